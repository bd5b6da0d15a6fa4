/* Templates of mails that an operator keeps in a folder (docs/config.md, smtp.templates), read at start. */
#ifndef USHER_APP_MAIL_FILES_H
#define USHER_APP_MAIL_FILES_H

#include "domain/template.h"

/* The built-in set and, over it, the files of `folder` (NULL: none). Names that begin with a dot are passed over; everything else must be
 * a template. Errors name the file. Free with us_templates_free(). */
enum us_code us_mail_files_load(struct us_cx *cx, const char *folder,
                                struct us_templates **ret_templates) US_MUST_CHECK;

#endif
