/* Templates in a folder: read over the built-in ones, and refused by name when something is wrong. */
#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/mail_files.h"
#include "domain/notice.h"

#define OWN "UmaPendingRequestCreationEmail.en.html"

struct folder {
  struct us_cx *cx;
  char path[64], file[256];
};

static int up(void **state) {
  struct folder *f = calloc(1, sizeof(*f));
  assert_non_null(f);
  f->cx = unit_cx_new(US_MEM_REQUEST_MAX_BYTES);
  strcpy(f->path, "/tmp/usher-templates-XXXXXX");
  assert_non_null(mkdtemp(f->path));
  *state = f;
  return 0;
}
static int down(void **state) {
  struct folder *f = *state;
  unlink(f->file);
  rmdir(f->path);
  unit_cx_free(f->cx);
  free(f);
  return 0;
}

static void put(struct folder *f, const char *name, const char *text, size_t n) {
  unlink(f->file);
  snprintf(f->file, sizeof(f->file), "%s/%s", f->path, name);
  FILE *out = fopen(f->file, "w");
  assert_non_null(out);
  assert_int_equal(fwrite(text, 1, n, out), n);
  fclose(out);
}

static void assert_refused(struct folder *f, const char *says) {
  struct us_templates *templates = NULL;
  us_error_clear(f->cx);
  assert_int_equal(us_mail_files_load(f->cx, f->path, &templates), US_E_INVALID_REQUEST);
  assert_null(templates);
  if (strstr(f->cx->err.text.p, says) == NULL)
    fail_msg("'%.*s' instead of '%s'", US_STR_ARG(f->cx->err.text), says);
}

static const struct us_template *english(const struct us_templates *t) {
  return us_templates_find(t, US_NOTICE_PENDING_CREATED, NULL, 0);
}

static void a_file_takes_the_place_of_the_built_in_text(void **state) {
  struct folder *f = *state;
  struct us_templates *templates = NULL;
  assert_int_equal(us_mail_files_load(f->cx, NULL, &templates), US_OK);
  assert_str(english(templates)->subject, "New Pending Request");
  us_templates_free(templates);
  put(f, OWN, "Subject: Ours\n\n<p>{0}</p>", 25);
  assert_int_equal(us_mail_files_load(f->cx, f->path, &templates), US_OK);
  assert_str(english(templates)->subject, "Ours");
  assert_str(english(templates)->html, "<p>{0}</p>");
  us_templates_free(templates);
  put(f, ".hidden", "anything", 8);
  assert_int_equal(us_mail_files_load(f->cx, f->path, &templates), US_OK);
  us_templates_free(templates);
}

static void what_is_no_template_is_refused_by_its_name(void **state) {
  struct folder *f = *state;
  put(f, "Other.en.html", "Subject: a\n\nb", 13);
  assert_refused(f, "smtp.templates: Other.en.html is not named like");
  put(f, OWN, "Subject: a\n\n{5}", 15);
  assert_refused(f, "smtp.templates: " OWN " names an argument");
  put(f, OWN, "", 0);
  assert_refused(f, "must begin with a line");
  unlink(f->file);
  assert_int_equal(mkdir(f->file, 0700), 0);
  assert_refused(f, OWN " cannot be read");
  rmdir(f->file);
  struct us_templates *templates = NULL;
  assert_int_equal(us_mail_files_load(f->cx, "/nowhere", &templates), US_E_INVALID_REQUEST);
}

static void a_file_may_be_as_long_as_the_limit(void **state) {
  struct folder *f = *state;
  struct us_templates *templates = NULL;
  char *text = malloc(US_TEMPLATE_FILE_MAX + 1);
  assert_non_null(text);
  memset(text, 'x', US_TEMPLATE_FILE_MAX + 1);
  memcpy(text, "Subject: a\n\n", 12);
  put(f, OWN, text, US_TEMPLATE_FILE_MAX);
  assert_int_equal(us_mail_files_load(f->cx, f->path, &templates), US_OK);
  us_templates_free(templates);
  put(f, OWN, text, US_TEMPLATE_FILE_MAX + 1);
  assert_refused(f, "longer than 65536 bytes");
  free(text);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, up, down)
int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(a_file_takes_the_place_of_the_built_in_text),
      IN_FOLDER(what_is_no_template_is_refused_by_its_name),
      IN_FOLDER(a_file_may_be_as_long_as_the_limit),
  };
  return UNIT_RUN(tests);
}
