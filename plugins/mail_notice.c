/*
 * A mail notice: whenever something is shared, a message is put into a Maildir, from where any mail program takes it.
 *
 *   plugins:
 *     - path: mail_notice.so
 *       config: {maildir: /var/mail/shares, from: usher@example.com, to: audit@example.com}
 *
 * It shows: an after method, which is told when the share is committed and keeps nobody waiting. It may be lost when the server is killed
 * between the commit and the message: what must not be lost wants deliver() (see plugins/webhook).
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <usher/plugin.h>

static const struct usher_host *host;

static const char *setting(const char *pointer) {
  return host->json_text(host->config_get(pointer)).p;
}

static int notice_open(const struct usher_host *h, const char *config_json, void **ret_self) {
  static const char *const needed[] = {"/maildir", "/from", "/to"};
  (void)config_json;
  (void)ret_self;
  host = h;
  for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
    const char *text = setting(needed[i]);
    if (text[0] != '\0' && !strpbrk(text, "\r\n")) /* a header must not hold the next one */
      continue;
    host->log(USHER_LOG_ERROR, "the configuration needs maildir, from and to");
    return USHER_FAIL;
  }
  return USHER_OK;
}

static void notice_close(void *self) {
  (void)self;
}

/* Names of resources and people are JSON strings in the body, so that no line of theirs becomes one of the message. */
static void write_message(FILE *out, const struct usher_policy *p) {
  fprintf(out, "From: %s\r\nTo: %s\r\nSubject: A resource was shared\r\n", setting("/from"), setting("/to"));
  fprintf(out,
          "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
  fprintf(out, "Realm:     %s\r\nSharer:    %s\r\n", host->policy_get(p, "/realm").p, host->policy_get(p, "/sharer").p);
  fprintf(out, "Resource:  %s\r\nShared as: %s\r\n", host->policy_get(p, "/resource/name").p,
          host->policy_get(p, "/permissions").p);
}

/* Maildir: written under tmp/, complete under new/. */
static void after_shared(void *self, const struct usher_policy *p) {
  static unsigned count; /* after methods are called on one thread */
  char from[4200], to[4200], name[128];
  (void)self;
  snprintf(name, sizeof(name), "%" PRId64 ".%ld_%u.usher", host->now_ms(), (long)getpid(), count++);
  snprintf(from, sizeof(from), "%s/tmp/%s", setting("/maildir"), name);
  snprintf(to, sizeof(to), "%s/new/%s", setting("/maildir"), name);
  int fd = open(from, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
  if (!out) {
    if (fd >= 0)
      close(fd);
    host->log(USHER_LOG_ERROR, "the message cannot be written: is maildir there, with tmp and new in it?");
    return;
  }
  write_message(out, p);
  int is_whole = fflush(out) == 0 && fsync(fd) == 0;
  if (fclose(out) != 0 || !is_whole || rename(from, to) != 0) {
    unlink(from);
    host->log(USHER_LOG_ERROR, "the message cannot be written");
  }
}

static const struct usher_plugin plugin = {
    .size = sizeof(plugin),
    .abi_major = USHER_ABI_MAJOR,
    .abi_minor = USHER_ABI_MINOR,
    .name = "mail-notice",
    .version = "1.0",
    .open = notice_open,
    .close = notice_close,
    .after_resource_shared = after_shared,
};

const struct usher_plugin *usher_plugin(void) {
  return &plugin;
}
