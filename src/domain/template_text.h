/* The built-in texts of mails, in the form of files (domain/template.h). Included by template.c only. */
#ifndef USHER_DOMAIN_TEMPLATE_TEXT_H
#define USHER_DOMAIN_TEMPLATE_TEXT_H

#define US_TEMPLATE_PAGE(language, title, text)                                                                        \
  "Subject: " title "\n\n<!DOCTYPE html>\n<html lang=\"" language "\">\n<head><meta charset=\"utf-8\"><title>" title   \
  "</title></head>\n<body>\n" text "</body>\n</html>\n"

static const struct {
  const char *file_name, *text;
} us_template_texts[] = {
    {"UmaPendingRequestCreationEmail.en.html", US_TEMPLATE_PAGE("en", "New Pending Request",
                                                                "<p><b>{0}</b> asks for access to <b>{1}</b>.</p>\n"
                                                                "<p>Asked for: {2}</p>\n"
                                                                "<p><a href=\"{link}\">Look at the request</a></p>\n"
                                                                "<p>Nothing is shared unless you approve it.</p>\n")},
    {"UmaPendingRequestCreationEmail.de.html",
     US_TEMPLATE_PAGE("de", "Neue offene Anfrage",
                      "<p><b>{0}</b> bittet um Zugriff auf <b>{1}</b>.</p>\n"
                      "<p>Erbeten: {2}</p>\n"
                      "<p><a href=\"{link}\">Anfrage ansehen</a></p>\n"
                      "<p>Ohne Ihre Zustimmung wird nichts freigegeben.</p>\n")},
    {"UmaPendingRequestApprovalEmail.en.html",
     US_TEMPLATE_PAGE("en", "Pending Request Approved",
                      "<p><b>{0}</b> has approved your request for <b>{1}</b>.</p>\n"
                      "<p>You may: {2}</p>\n")},
    {"UmaPendingRequestApprovalEmail.de.html",
     US_TEMPLATE_PAGE("de", "Anfrage genehmigt",
                      "<p><b>{0}</b> hat Ihre Anfrage zu <b>{1}</b> genehmigt.</p>\n"
                      "<p>Erlaubt: {2}</p>\n")},
};

#endif
