/* Templates from a folder: see mail_files.h. */
#include "app/mail_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static enum us_code read_text(struct us_cx *cx, const char *folder, const char *name, char *room,
                              struct us_str *ret_text) {
  char path[4096 + 260];
  int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
  FILE *in = n > 0 && (size_t)n < sizeof(path) ? fopen(path, "re") : NULL;
  if (in == NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "smtp.templates: %s cannot be read: %s", name, strerror(errno));
  size_t bytes = fread(room, 1, US_TEMPLATE_FILE_MAX + 1, in);
  int error = ferror(in) ? errno : 0;
  fclose(in);
  if (error != 0)
    return us_fail(cx, US_E_INVALID_REQUEST, "smtp.templates: %s cannot be read: %s", name, strerror(error));
  *ret_text = (struct us_str){room, bytes};
  return US_OK;
}

static enum us_code add_file(struct us_cx *cx, struct us_templates *templates, const char *folder, const char *name,
                             char *room) {
  struct us_str text;
  US_TRY(read_text(cx, folder, name, room, &text));
  enum us_code code = us_templates_add(cx, templates, us_str_c(name), text);
  if (code == US_E_INVALID_REQUEST)
    return us_fail(cx, code, "smtp.templates: %s %.*s", name, US_STR_ARG(cx->err.text));
  return code;
}

static enum us_code add_folder(struct us_cx *cx, struct us_templates *templates, const char *folder) {
  char *room = us_mem_alloc(cx->mem, US_TEMPLATE_FILE_MAX + 1);
  DIR *dir = opendir(folder);
  enum us_code code = room ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
  if (dir == NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "smtp.templates: %s cannot be read: %s", folder, strerror(errno));
  struct dirent *entry;
  while (code == US_OK && (entry = readdir(dir)) != NULL) {
    if (entry->d_name[0] != '.')
      code = add_file(cx, templates, folder, entry->d_name, room);
  }
  closedir(dir);
  return code;
}

enum us_code us_mail_files_load(struct us_cx *cx, const char *folder, struct us_templates **ret_templates) {
  struct us_templates *templates = us_templates_new();
  if (templates == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  enum us_code code = folder ? add_folder(cx, templates, folder) : US_OK;
  if (code != US_OK) {
    us_templates_free(templates);
    return code;
  }
  *ret_templates = templates;
  return US_OK;
}
