/*
 * OpenSSL behind http/tls.h. The two memory BIOs are one BIO of our own: it reads from the slice fed last and writes into
 * the buffer of the call. OpenSSL's own memory BIOs keep their largest size for as long as the connection lives, which
 * would be most of the memory of an idle connection.
 */
#include "http/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct us_tls_context {
  SSL_CTX *ctx;
  BIO_METHOD *method;
  _Atomic unsigned holders; /* the owner and each connection */
  bool offers_h2;
};

struct us_tls {
  SSL *ssl;
  struct us_tls_context *context;
  const char *in;
  size_t in_n;
  struct us_buf *out;          /* only during a call */
  struct us_cert *client_cert; /* NULL: none */
  bool is_established;
};

static int us_bio_read(BIO *bio, char *room, int n) {
  struct us_tls *tls = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (n <= 0)
    return 0;
  if (tls->in_n == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  size_t part = tls->in_n < (size_t)n ? tls->in_n : (size_t)n;
  memcpy(room, tls->in, part);
  tls->in += part;
  tls->in_n -= part;
  return (int)part;
}

static int us_bio_write(BIO *bio, const char *bytes, int n) {
  struct us_tls *tls = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (n <= 0)
    return 0;
  us_buf_add(tls->out, bytes, (size_t)n);
  return us_buf_ok(tls->out) ? n : -1;
}

static long us_bio_ctrl(BIO *bio, int command, long number, void *pointer) {
  (void)bio;
  (void)number;
  (void)pointer;
  return command == BIO_CTRL_FLUSH;
}

/* RFC 7301 3.2. A client that speaks ALPN but no HTTP meant another protocol: it is told so, and cannot be led to replay
 * its bytes here. Our order counts: HTTP/2 where both speak it. */
static int us_choose_protocol(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_n,
                              const unsigned char *offer, unsigned offer_n, void *self) {
  (void)ssl;
  const bool *offers_h2 = self;
  static const unsigned char all[] = "\x02h2\x08http/1.1";
  const unsigned char *ours = *offers_h2 ? all : all + 3;
  unsigned ours_n = (unsigned)(sizeof all - 1) - (*offers_h2 ? 0 : 3);
  unsigned char *name = NULL;
  if (SSL_select_next_proto(&name, ret_n, ours, ours_n, offer, offer_n) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *ret_name = name;
  return SSL_TLSEXT_ERR_OK;
}

/* Who it is of is asked later (RFC 8705): here any will do, the handshake proves its key. */
static int us_accept_any_certificate(X509_STORE_CTX *store, void *self) {
  (void)store;
  (void)self;
  return 1;
}

/* A key with a passphrase must not make the server ask on a terminal. */
static int us_no_passphrase(char *room, int n, int writing, void *self) {
  (void)room;
  (void)n;
  (void)writing;
  (void)self;
  return -1;
}

static bool us_tls_say_why(char *ret_reason, size_t reason_bytes, const char *what, const char *file) {
  char detail[160] = "unknown error";
  unsigned long code = ERR_peek_error();
  if (code)
    ERR_error_string_n(code, detail, sizeof detail);
  snprintf(ret_reason, reason_bytes, "%s%s%s: %s", what, file ? " " : "", file ? file : "", detail);
  return false;
}

static bool us_tls_context_fill(struct us_tls_context *context, const struct us_http_tls *tls, char *ret_reason,
                                size_t reason_bytes) {
  SSL_CTX *ctx = context->ctx;
  SSL_CTX_set_default_passwd_cb(ctx, us_no_passphrase);
  /* BCP 195: 1.2 with forward secrecy and authenticated encryption, and 1.3 (UF-01). */
  if (!SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) ||
      !SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20"))
    return us_tls_say_why(ret_reason, reason_bytes, "TLS 1.2 cannot be set up", NULL);
  if (SSL_CTX_use_certificate_chain_file(ctx, tls->certificate_file) != 1)
    return us_tls_say_why(ret_reason, reason_bytes, "cannot use the certificate", tls->certificate_file);
  if (SSL_CTX_use_PrivateKey_file(ctx, tls->key_file, SSL_FILETYPE_PEM) != 1)
    return us_tls_say_why(ret_reason, reason_bytes, "cannot use the key", tls->key_file);
  if (SSL_CTX_check_private_key(ctx) != 1)
    return us_tls_say_why(ret_reason, reason_bytes, "the key does not belong to the certificate", tls->key_file);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(ctx, us_choose_protocol, &context->offers_h2);
  /* Sessions live in tickets at the client; a cache here would only hold memory and a lock. */
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(ctx, 1);
  static const unsigned char id[] = "usher";
  if (SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1) != 1)
    return us_tls_say_why(ret_reason, reason_bytes, "TLS sessions cannot be set up", NULL);
  if (tls->ask_client_certificate) {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, us_accept_any_certificate, NULL);
  }
  return true;
}

struct us_tls_context *us_tls_context_new(const struct us_http_tls *tls, bool offers_h2, char *ret_reason,
                                          size_t reason_bytes) {
  ERR_clear_error();
  struct us_tls_context *context = calloc(1, sizeof *context);
  if (!context) {
    snprintf(ret_reason, reason_bytes, "out of memory");
    return NULL;
  }
  context->holders = 1;
  context->offers_h2 = offers_h2;
  context->ctx = SSL_CTX_new(TLS_server_method());
  context->method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "usher connection");
  bool is_good = context->ctx && context->method && BIO_meth_set_read(context->method, us_bio_read) == 1 &&
                 BIO_meth_set_write(context->method, us_bio_write) == 1 &&
                 BIO_meth_set_ctrl(context->method, us_bio_ctrl) == 1;
  if (!is_good)
    us_tls_say_why(ret_reason, reason_bytes, "TLS cannot be set up", NULL);
  else
    is_good = us_tls_context_fill(context, tls, ret_reason, reason_bytes);
  ERR_clear_error();
  if (is_good)
    return context;
  us_tls_context_free(context);
  return NULL;
}

void us_tls_context_free(struct us_tls_context *context) {
  if (!context || --context->holders > 0)
    return;
  SSL_CTX_free(context->ctx);
  BIO_meth_free(context->method);
  free(context);
}

struct us_tls *us_tls_new(struct us_tls_context *context) {
  struct us_tls *tls = calloc(1, sizeof *tls);
  if (!tls)
    return NULL;
  context->holders++;
  tls->context = context;
  tls->ssl = SSL_new(context->ctx);
  BIO *bio = BIO_new(context->method);
  if (!tls->ssl || !bio) {
    BIO_free(bio);
    us_tls_free(tls);
    ERR_clear_error();
    return NULL;
  }
  BIO_set_data(bio, tls);
  BIO_set_init(bio, 1);
  SSL_set_bio(tls->ssl, bio, bio);
  SSL_set_accept_state(tls->ssl);
  return tls;
}

void us_tls_free(struct us_tls *tls) {
  if (!tls)
    return;
  SSL_free(tls->ssl);
  us_cert_unref(tls->client_cert);
  us_tls_context_free(tls->context);
  free(tls);
}

void us_tls_feed(struct us_tls *tls, const char *bytes, size_t n) {
  tls->in = bytes;
  tls->in_n = n;
}

/* Once a connection. A server's list of what came along does not have the certificate itself. */
static void us_tls_note_client(struct us_tls *tls) {
  X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
  if (certificate)
    tls->client_cert = us_cert_of_x509(certificate, SSL_get_peer_cert_chain(tls->ssl));
}

int us_tls_read(struct us_tls *tls, char *room, size_t n, struct us_buf *out) {
  ERR_clear_error();
  tls->out = out;
  int got = SSL_read(tls->ssl, room, n > INT32_MAX ? INT32_MAX : (int)n);
  if (!tls->is_established && SSL_is_init_finished(tls->ssl)) {
    tls->is_established = true;
    us_tls_note_client(tls);
  }
  tls->out = NULL;
  if (got > 0)
    return got;
  int error = SSL_get_error(tls->ssl, got);
  ERR_clear_error();
  if (error == SSL_ERROR_WANT_READ)
    return US_TLS_MORE;
  return error == SSL_ERROR_ZERO_RETURN ? US_TLS_END : US_TLS_FAILED;
}

bool us_tls_write(struct us_tls *tls, const char *bytes, size_t n, struct us_buf *out) {
  ERR_clear_error();
  tls->out = out;
  size_t written = 0;
  bool is_good = n == 0 || (SSL_write_ex(tls->ssl, bytes, n, &written) == 1 && written == n);
  tls->out = NULL;
  ERR_clear_error();
  return is_good;
}

void us_tls_say_goodbye(struct us_tls *tls, struct us_buf *out) {
  if (!tls->is_established)
    return;
  ERR_clear_error();
  tls->out = out;
  (void)SSL_shutdown(tls->ssl); /* 0: ours is sent, theirs not yet seen; -1: the connection is broken anyway */
  tls->out = NULL;
  ERR_clear_error();
}

bool us_tls_is_established(const struct us_tls *tls) {
  return tls->is_established;
}

bool us_tls_speaks_h2(const struct us_tls *tls) {
  const unsigned char *name = NULL;
  unsigned n = 0;
  SSL_get0_alpn_selected(tls->ssl, &name, &n);
  return us_str_eq((struct us_str){(const char *)name, n}, US_STR("h2"));
}

const struct us_cert *us_tls_client_cert(const struct us_tls *tls) {
  return tls->client_cert;
}
