/* `usher`: the table of commands. */
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "crypto/digest.h"

static const struct us_command commands[] = {
    {"serve", "--config FILE [--check]", "run the server",
     "Runs the authorization server until SIGTERM or SIGINT, then stops accepting, answers what is in flight and "
     "closes the\n"
     "store. SIGHUP reads the configuration and certificates again; a bad one is reported and the old one kept.\n"
     "Every key of the file may also be given as environment variable USHER_... (docs/config.md). Prints\n"
     "`ready URL` alone on a line when it answers.",
     us_cmd_serve},
    {"demo", "[--listen HOST:PORT] [--data DIR] [--db URL] [--walk] [--serve] [--clients N]", "the demo world, at once",
     "Serves the demo world (realm /alpha with alice, bob, carol and dave, password "
     "Ch4ng31t; amAdmin in /; the clients\n"
     "UMA-Resource-Server, UMA-Client and others, secret mySecret) from a temporary store. Prints `ready URL` alone on "
     "a\n"
     "line when it answers. With --walk it tells the story of a shared photo album with every request and answer, and\n"
     "exits 0, or 1 when an answer is not what it should be; with --walk --serve it goes on serving after the story.",
     us_cmd_demo},
    {"realm", "create|list|delete [PATH] [--store URL] [--json]", "administer realms",
     "create PATH makes a realm below an existing one, with fresh signing keys; delete PATH removes it with all that "
     "is in it.",
     us_cmd_realm},
    {"user", "create|list|delete|password --realm R [NAME] [--store URL] [--json]", "administer users",
     "create and password read the password from standard input (one line) or, when that is a terminal, ask for it.",
     us_cmd_user},
    {"client", "create|list|show|delete --realm R [ID] [--store URL] [--json]", "administer OAuth clients",
     "create makes a client; without --public a secret is made and printed once, unless one is read by "
     "--secret-stdin.\n"
     "The password grant is given only when it is named in --grants.",
     us_cmd_client},
    {"settings", "get|set --realm R [NAME[=VALUE] ...] [--store URL] [--json]", "read and change a realm's settings",
     "Names and values are those of the contract's provider settings. A running server obeys within a second.",
     us_cmd_settings},
    {"key", "list|rotate --realm R [--alg RS256|ES256] [--store URL] [--json]", "signing keys of a realm",
     "rotate makes a new key that signs from now on; older ones stay listed until nothing signed with them is alive.",
     us_cmd_key},
    {"routes", "[--json]", "print the whole HTTP surface", "One line a row of the route table.", us_cmd_routes},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int help(FILE *out) {
  fprintf(out,
          "usher " USHER_VERSION " - a UMA 2.0 authorization server\n\nUsage: usher COMMAND [OPTIONS]\n\nCommands:\n");
  for (size_t i = 0; i < COMMANDS; i++)
    fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
  fprintf(out, "\n`usher COMMAND --help` explains one. Try `usher demo --walk`.\n");
  return out == stdout ? 0 : 2;
}

int main(int argc, char **argv) {
  if (argc < 2)
    return help(stderr);
  if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
    printf("usher " USHER_VERSION "\n");
    return 0;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
    return help(stdout);
  if (us_crypto_setup() != 0) {
    fprintf(stderr, "usher: the cryptographic library cannot be set up\n");
    return 1;
  }
  for (size_t i = 0; i < COMMANDS; i++) {
    if (strcmp(commands[i].name, argv[1]) == 0) {
      int code = commands[i].run(&commands[i], argc - 1, argv + 1);
      us_crypto_done();
      return code;
    }
  }
  fprintf(stderr, "usher: there is no command '%s'; see usher --help\n", argv[1]);
  return 2;
}
