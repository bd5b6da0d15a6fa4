/* `usher`: the table of commands, with the page that `usher COMMAND --help` prints of each. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "crypto/digest.h"
#include "plugin/child.h"

/* clang-format off: the pages are wrapped as they are printed, indented by four */
static const struct us_command commands[] = {
    {"serve", "--config FILE [--check]", "run the server",
     "Runs the authorization server in the foreground. When it answers it prints `ready URL` alone on a line of "
     "standard\n"
     "output; the log goes to standard error, one line a request.\n"
     "\n"
     "Every key of the file may also be given as environment variable, which wins: USHER_ and the path of the key in\n"
     "capitals, so that log.level is USHER_LOG_LEVEL.\n"
     "\n"
     "Signals:\n"
     "  SIGTERM, SIGINT  accept nothing new, answer what is in flight (for stop_grace_ms at most), close the store, "
     "exit 0\n"
     "  SIGHUP           read the file and the certificates again: log level, log format and certificates take effect "
     "for\n"
     "                   new connections; a bad file is reported and what was there is kept\n",
     "usher serve --config /etc/usher/usher.yaml\n"
     "usher serve --config /etc/usher/usher.yaml --check\n"
     "USHER_LOG_LEVEL=debug usher serve --config usher.yaml\n",
     us_cmd_serve},
    {"demo", "[--listen HOST:PORT] [--data DIR] [--db URL] [--walk] [--serve] [--clients N]",
     "serve or walk through the demo world",
     "Serves the demo world from a temporary store, which is removed at the end: realm /alpha with the people alice, "
     "bob,\n"
     "carol and dave, and amAdmin in /, all with password Ch4ng31t; the clients UMA-Resource-Server, "
     "UMA-Resource-Server-2,\n"
     "UMA-Client and UMA-Client-2 with secret mySecret, and Public-Client without one. It listens on loopback "
     "addresses\n"
     "only. When it answers it prints `ready URL` alone on a line of standard output.\n"
     "\n"
     "With --walk it tells the story of a shared photo album instead, with every request and answer, and exits 0, or "
     "1\n"
     "when an answer is not what it should be. With --walk --serve it goes on serving after the story.\n",
     "usher demo\n"
     "usher demo --walk\n"
     "usher demo --listen 127.0.0.1:0 --data /tmp/usher-demo --clients 3\n",
     us_cmd_demo},
    {"realm", "create|list|delete [PATH] [--store URL] [--json]", "administer realms",
     "create PATH  make a realm below an existing one, with fresh signing keys. The first is the top-level realm, /; "
     "this is\n"
     "             also what makes a store that is not there yet\n"
     "list         print the paths of all realms\n"
     "delete PATH  remove a realm with all that is in it\n"
     "\n"
     "A running server sees changes within a second.\n",
     "usher realm create /\n"
     "usher realm create /alpha --store sqlite:/var/lib/usher/usher.db\n"
     "usher realm list --json\n",
     us_cmd_realm},
    {"user", "create|list|update|password|totp|activate|deactivate|delete --realm PATH [NAME] [--store URL] [--json]",
     "administer users",
     "create NAME       make a user\n"
     "list              print the users of the realm, sorted by name\n"
     "update NAME       change mail address, names or locale\n"
     "password NAME     set another password; ends the user's sessions and tokens\n"
     "totp NAME enroll  make a secret for one-time codes and print it, with the URI that apps read; an earlier one is\n"
     "                  good no more. totp NAME remove takes it away. Where a realm has secondFactorRequired=true, "
     "who\n"
     "                  has none cannot log in\n"
     "deactivate NAME   switch a user off; ends sessions and tokens, keeps what is theirs. activate NAME: on again\n"
     "delete NAME       remove a user with all that is theirs: resources, shares, sessions, tokens\n"
     "\n"
     "create and password read the password from standard input, one line; on a terminal they ask for it, without "
     "echo.\n"
     "It is never taken from the command line, where others could see it.\n",
     "usher user create --realm /alpha alice --mail alice@example.com\n"
     "usher user password --realm /alpha alice < password.txt\n"
     "usher user totp --realm /alpha alice enroll\n"
     "usher user list --realm /alpha --json\n",
     us_cmd_user},
    {"group", "create|list|add|remove|delete --realm PATH [NAME [USER ...]] [--store URL] [--json]",
     "administer groups, which shares may mean",
     "create NAME           make a group; nobody is in it\n"
     "list [NAME]           print the groups of the realm, or who is in one, sorted by name\n"
     "add NAME USER ...     put users into a group: all that are named, or none when one of them cannot be\n"
     "remove NAME USER ...  take users out of a group\n"
     "delete NAME           remove a group, and what was shared with it\n"
     "\n"
     "A share with the subject group:NAME is for whoever is in the group at the moment of asking. Who leaves has no "
     "access by\n"
     "it from then on, and tokens that rest on it hold no longer; so has, at once, who got access only through that "
     "person. A\n"
     "user can be in 64 groups at most.\n",
     "usher group create --realm /alpha family\n"
     "usher group add --realm /alpha family alice bob\n"
     "usher group list --realm /alpha family --json\n",
     us_cmd_group},
    {"client", "create|update|list|show|activate|deactivate|delete --realm PATH [ID] [--store URL] [--json]",
     "administer OAuth clients",
     "create ID      register a client. A secret is made and printed, once: only its hash is kept. None is made for\n"
     "               --public clients, for those that authenticate by keys or certificates, or with --secret-stdin\n"
     "update ID      change what the options say, and nothing else; a list replaces the list that was there\n"
     "list           print the clients of the realm\n"
     "show ID        print one client, as JSON (get is the same)\n"
     "deactivate ID  it cannot do anything until `activate ID`; its tokens are dead meanwhile\n"
     "delete ID      remove a client with its tokens; the realm's settings say what becomes of resources it "
     "registered\n"
     "\n"
     "Grant types are authorization_code, refresh_token, client_credentials, password and\n"
     "urn:ietf:params:oauth:grant-type:uma-ticket. A client gets those that --grants names, and no other: the password "
     "grant\n"
     "only when it is asked for by name. A client that registered itself keeps what it is given here.\n"
     "\n"
     "Clients authenticate by client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt,\n"
     "tls_client_auth or self_signed_tls_client_auth; public ones by none.\n",
     "usher client create --realm /alpha photo-rs --grants \"password refresh_token\" --scopes \"uma_protection "
     "openid\"\n"
     "usher client create --realm /alpha photo-app --public --scopes openid --redirect-uris "
     "https://app.example.com/cb\n"
     "usher client update --realm /alpha photo-rs --auth-method private_key_jwt --jwks keys.json\n"
     "usher client show --realm /alpha photo-rs\n",
     us_cmd_client},
    {"settings", "get|set --realm PATH [NAME[=VALUE] ...] [--store URL] [--json]",
     "read and change the settings of a realm",
     "get [NAME ...]      print settings, or all of them with a star at those that differ from the default, and what "
     "they mean\n"
     "set NAME=VALUE ...  change settings: all, or none when one is wrong\n"
     "\n"
     "Values are text: whole numbers, true or false, words, or lists with commas. A running server obeys within a "
     "second.\n",
     "usher settings get --realm /alpha\n"
     "usher settings get --realm /alpha permissionTicketLifetime\n"
     "usher settings set --realm /alpha permissionTicketLifetime=300 resharingMode=OFF\n",
     us_cmd_settings},
    {"key",
     "list|rotate|seal [--realm PATH] [--alg RS256|ES256] [--in SECONDS] [--old-key FILE] [--store URL] [--json]",
     "list and rotate the signing keys of a realm; seal the secrets of a store",
     "list    print the id (kid) of each key, its algorithm, and since when it signs, or until when it verifies\n"
     "rotate  make a new key and print its id. It is published at once and signs at once, or after --in SECONDS; the "
     "one\n"
     "        before it signs until then, and stays in the published key set until nothing that it signed is alive. "
     "Others\n"
     "        may keep the key set for five minutes: with --in 300 all of them know the new key when it begins to "
     "sign\n"
     "seal    put everything that is secret in the store (private keys, secrets of one-time codes and of\n"
     "        client_secret_jwt) under the present store key; with --old-key also what lies under that one. Stop the\n"
     "        servers before, and start them with the new key\n"
     "\n"
     "The store key is a file of 32 random bytes or their base64, which USHER_STORE_KEY_FILE names (store_key_file in "
     "the\n"
     "configuration of a server); else store.key beside the file of the store. A running server sees changes of "
     "signing\n"
     "keys within a second.\n",
     "usher key list --realm /alpha\n"
     "usher key rotate --realm /alpha --alg ES256 --in 300\n"
     "head -c 32 /dev/urandom | base64 >store.key && chmod 600 store.key && usher key seal\n",
     us_cmd_key},
    {"outbox", "list|retry|drop [ID|failed] [--store URL] [--json]", "look after mails that did not go out yet",
     "list          print the mails that wait or were given up: id, kind, realm, to whom, tries, state, and what the "
     "mail server\n"
     "              said last\n"
     "retry ID      send a mail now, with all its tries before it; `retry failed`: all that were given up\n"
     "drop ID       throw a mail away; `drop failed`: all that were given up\n"
     "\n"
     "A mail that is being sent at this moment is left alone. A running server sees changes within seconds.\n",
     "usher outbox list\n"
     "usher outbox retry failed --store sqlite:/var/lib/usher/usher.db\n",
     us_cmd_outbox},
    {"plugin", "list --config FILE | check FILE [--open] [--json]", "look at plugins",
     "list        print the plugins that a server with this configuration loads, in the order in which they are "
     "called\n"
     "check FILE  print what a file offers: name, version, the ABI it is made for, and its methods\n"
     "\n"
     "A file that a server would refuse is refused here with the same sentence, and exit code 1. With --open,\n"
     "each plugin is also started as the server does it (`check`: with an empty configuration), and closed; what\n"
     "is printed are then the methods that it has use for.\n",
     "usher plugin check ./no-secrets.so\n"
     "usher plugin list --config /etc/usher/usher.yaml --open --json\n",
     us_cmd_plugin},
    {"explain", "--realm PATH --resource ID --party NAME --scope SCOPES [--client ID] [--store URL] [--json]",
     "say why somebody may do something, or why not",
     "Decides as the server does, without writing anything, and prints for each scope whether it is granted, with the "
     "path of\n"
     "shares that it rests on, from the owner to the party, and the conditions on that path; or why it is denied: "
     "nobody "
     "shared\n"
     "it, a condition does not hold (its path is shown), or the resource does not have the scope.\n"
     "\n"
     "The answer of evaluate at /json/users/{user}/uma/policies is the same; --json prints it in that form. Denied is "
     "an "
     "answer\n"
     "too: the exit code is 0.\n",
     "usher explain --realm /alpha --resource 0197f5d0-8f4a-7c3e-9d2b-1a6c5e7f80910 --party bob --scope view\n"
     "usher explain --realm /alpha --resource 0197f5d0-8f4a-7c3e-9d2b-1a6c5e7f80910 --party group:family \\\n"
     "  --scope \"view download\" --client UMA-Client --json\n",
     us_cmd_explain},
    {"audit", "verify [--realm PATH] [--store URL] [--json]", "verify the history of who shared, asked and got what",
     "verify  walk along the history of each realm, in which every line is hashed together with the one before it, "
     "and\n"
     "        say how many lines fit, the number of the last and its hash; or the first line that was changed, put in, "
     "or\n"
     "        is missing, also at the end. Exit code 1 when one does not fit. Lines that retention removed are told, "
     "with\n"
     "        the time of the oldest that is there: somebody may have cut off more than that.\n"
     "\n"
     "Who may write the whole store can compute the history anew. Keep the last number and hash elsewhere from time "
     "to\n"
     "time: as long as retention has not removed that line, it must carry that hash.\n",
     "usher audit verify\n"
     "usher audit verify --realm /alpha --json\n",
     us_cmd_audit},
    {"routes", "[--json]", "print the whole HTTP surface",
     "Prints one line for each row of the route table: method, path, what must authenticate, whether it reads or "
     "writes,\n"
     "and what it is.\n",
     "usher routes\n"
     "usher routes --json\n",
     us_cmd_routes},
};
/* clang-format on */
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int help(FILE *out) {
  fprintf(out,
          "usher " USHER_VERSION " - a UMA 2.0 authorization server\n\nUsage: usher COMMAND [OPTIONS]\n\nCommands:\n");
  for (size_t i = 0; i < COMMANDS; i++)
    fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
  fprintf(out, "\n`usher COMMAND --help` explains one. Try `usher demo --walk`.\n");
  return out == stdout ? 0 : 2;
}

/* What could not be printed was not done: a secret that is shown once, say. */
static int close_output(int code) {
  if (fflush(stdout) == 0 && !ferror(stdout))
    return code;
  fprintf(stderr, "usher: standard output cannot be written\n");
  return code == 0 ? 1 : code;
}

static const struct us_command *find_command(const char *name) {
  for (size_t i = 0; i < COMMANDS; i++) {
    if (strcmp(commands[i].name, name) == 0)
      return &commands[i];
  }
  return NULL;
}

/* A standard stream that is closed would be the next file opened: logs would be written into the store or to a stranger. */
static bool hold_standard_streams(void) {
  for (int fd = 0; fd <= 2; fd++) {
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
      return false;
  }
  return true;
}

int main(int argc, char **argv) {
  if (!hold_standard_streams())
    return 1;
  if (argc < 2)
    return help(stderr);
  if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
    printf("usher " USHER_VERSION "\n");
    return close_output(0);
  }
  if (strcmp(argv[1], US_CHILD_COMMAND) == 0 && argc == 3) /* the server asks itself: plugin/child.h */
    return us_child_serve(argv[2]);
  bool is_help = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0;
  if (is_help && argc == 2)
    return close_output(help(stdout));
  char *name = argv[is_help ? 2 : 1]; /* `usher help serve` is `usher serve --help` */
  char help_word[] = "--help", *help_argv[] = {name, help_word, NULL};
  const struct us_command *command = find_command(name);
  if (command == NULL) {
    fprintf(stderr, "usher: there is no command '%s'; see usher --help\n", name);
    return 2;
  }
  if (us_crypto_setup() != 0) {
    fprintf(stderr, "usher: the cryptographic library cannot be set up\n");
    return 1;
  }
  int code = is_help ? command->run(command, 2, help_argv) : command->run(command, argc - 1, argv + 1);
  us_crypto_done();
  return close_output(code);
}
