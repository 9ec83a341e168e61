/* What Swift can't say about OpenSSL: callbacks, macros that aren't function-like to the importer,
 * and the one struct that the callbacks and Swift share. Everything is static inline. */
#ifndef CORDON_OPENSSL_SHIM_H
#define CORDON_OPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

#define CORDON_COOKIE_LENGTH 17

/* Where records are handed over: one record lent to OpenSSL, the datagrams that it answers with.
 * One desk serves all sessions of a server, because one event is handled at a time. */
struct cordon_desk {
  const unsigned char *input; /* the lent record, NULL once taken */
  int input_length;
  unsigned char *output; /* each datagram: two bytes of length, then its bytes */
  int output_length;
  int output_capacity;
  unsigned char cookie[CORDON_COOKIE_LENGTH]; /* the cookie that the gate accepted */
  time_t verification_time;
};

static inline int cordon_bio_write(BIO *bio, const char *data, int length) {
  struct cordon_desk *desk = (struct cordon_desk *)BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (length <= 0 || length > 0xFFFF || length > desk->output_capacity - 2 - desk->output_length)
    return -1;
  unsigned char *end = desk->output + desk->output_length;
  end[0] = (unsigned char)(length >> 8);
  end[1] = (unsigned char)length;
  memcpy(end + 2, data, (size_t)length);
  desk->output_length += 2 + length;
  return length;
}

static inline int cordon_bio_read(BIO *bio, char *data, int length) {
  struct cordon_desk *desk = (struct cordon_desk *)BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (desk->input == NULL) {
    BIO_set_retry_read(bio);
    return -1;
  }
  int count = desk->input_length < length ? desk->input_length : length;
  memcpy(data, desk->input, (size_t)count);
  desk->input = NULL;
  return count;
}

static inline long cordon_bio_ctrl(BIO *bio, int command, long number, void *pointer) {
  (void)bio;
  (void)number;
  (void)pointer;
  return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ||
         command == BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT;
}

static inline BIO_METHOD *cordon_bio_method_new(void) {
  BIO_METHOD *method = BIO_meth_new(BIO_TYPE_START | BIO_TYPE_SOURCE_SINK, "desk");
  if (method == NULL) return NULL;
  BIO_meth_set_write(method, cordon_bio_write);
  BIO_meth_set_read(method, cordon_bio_read);
  BIO_meth_set_ctrl(method, cordon_bio_ctrl);
  return method;
}

static inline SSL *cordon_ssl_new(SSL_CTX *context, BIO_METHOD *method, struct cordon_desk *desk) {
  SSL *ssl = SSL_new(context);
  BIO *bio = BIO_new(method);
  if (ssl == NULL || bio == NULL) {
    SSL_free(ssl);
    BIO_free(bio);
    return NULL;
  }
  BIO_set_data(bio, desk);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  return ssl;
}

/* Answers 1 when the lent record is a ClientHello whose cookie is the one on the desk; its sequence
 * numbers are then set and the record waits to be processed by SSL_accept. */
static inline int cordon_listen(SSL *ssl) {
  BIO_ADDR *unused = BIO_ADDR_new();
  if (unused == NULL) return -1;
  int result = DTLSv1_listen(ssl, unused);
  BIO_ADDR_free(unused);
  return result;
}

static inline int cordon_cookie_generate(SSL *ssl, unsigned char *cookie, unsigned int *length) {
  (void)ssl;
  (void)cookie;
  (void)length;
  return 0; /* the gate alone answers with cookies */
}

static inline int cordon_cookie_verify(SSL *ssl, const unsigned char *cookie, unsigned int length) {
  struct cordon_desk *desk = (struct cordon_desk *)SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
  return length == CORDON_COOKIE_LENGTH &&
         CRYPTO_memcmp(cookie, desk->cookie, CORDON_COOKIE_LENGTH) == 0;
}

/* Verifies a client's certificate against the context's trust and CRLs; answers an X509_V code. */
static inline int cordon_verify(SSL_CTX *context, X509 *leaf, STACK_OF(X509) *untrusted) {
  struct cordon_desk *desk = (struct cordon_desk *)SSL_CTX_get_app_data(context);
  X509_STORE_CTX *store = X509_STORE_CTX_new();
  if (store == NULL) return X509_V_ERR_OUT_OF_MEM;
  int code = X509_V_ERR_UNSPECIFIED;
  if (X509_STORE_CTX_init(store, SSL_CTX_get_cert_store(context), leaf, untrusted) == 1 &&
      X509_STORE_CTX_set_default(store, "ssl_client") == 1) {
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(store);
    X509_VERIFY_PARAM_set_time(parameters, desk->verification_time);
    X509_VERIFY_PARAM_set_auth_level(parameters, SSL_CTX_get_security_level(context));
    int verified = X509_verify_cert(store) == 1;
    code = X509_STORE_CTX_get_error(store);
    if (!verified && code == X509_V_OK) code = X509_V_ERR_UNSPECIFIED;
  }
  X509_STORE_CTX_free(store);
  return code;
}

/* OpenSSL resumes without looking at the certificate again: an expired or revoked one would live as
 * long as its ticket. A ticket whose certificate no longer verifies is ignored, so that the full
 * handshake decides. */
static inline SSL_TICKET_RETURN cordon_ticket_decrypted(
    SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t length,
    SSL_TICKET_STATUS status, void *argument) {
  (void)name;
  (void)length;
  (void)argument;
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  X509 *peer = session == NULL ? NULL : SSL_SESSION_get0_peer(session);
  if (peer == NULL) return SSL_TICKET_RETURN_IGNORE_RENEW;
  int code = cordon_verify(SSL_get_SSL_CTX(ssl), peer, NULL);
  ERR_clear_error();
  if (code != X509_V_OK) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

static inline int cordon_no_password(char *buffer, int size, int writing, void *argument) {
  (void)buffer;
  (void)size;
  (void)writing;
  (void)argument;
  return -1; /* never ask at a terminal */
}

/* Options and callbacks of a DTLS server: what OpenSSL has as macros with 64-bit values. */
static inline void cordon_prepare_server(SSL_CTX *context, struct cordon_desk *desk) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_QUERY_MTU |
                                   SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_app_data(context, desk);
  SSL_CTX_set_cookie_generate_cb(context, cordon_cookie_generate);
  SSL_CTX_set_cookie_verify_cb(context, cordon_cookie_verify);
  SSL_CTX_set_session_ticket_cb(context, NULL, cordon_ticket_decrypted, NULL);
}

/* Options of a TLS server on streams that keeps no sessions. */
static inline void cordon_prepare_stream_server(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_num_tickets(context, 0);
}

/* A server's end whose bytes go in and out through memory: *input and *output stay the SSL's own. */
static inline SSL *cordon_stream_new(SSL_CTX *context, BIO **input, BIO **output) {
  SSL *ssl = SSL_new(context);
  *input = BIO_new(BIO_s_mem());
  *output = BIO_new(BIO_s_mem());
  if (ssl == NULL || *input == NULL || *output == NULL) {
    SSL_free(ssl);
    BIO_free(*input);
    BIO_free(*output);
    return NULL;
  }
  /* No bytes now: more may come. */
  BIO_set_mem_eof_return(*input, -1);
  SSL_set_bio(ssl, *input, *output);
  SSL_set_accept_state(ssl);
  return ssl;
}

/* Whether the authority's name is that of an issuer in the context's own chain. */
static inline int cordon_names_issuer(SSL_CTX *context, X509 *authority) {
  X509_NAME *name = X509_get_subject_name(authority);
  X509 *leaf = SSL_CTX_get0_certificate(context);
  if (leaf != NULL && X509_NAME_cmp(name, X509_get_issuer_name(leaf)) == 0) return 1;
  STACK_OF(X509) *chain = NULL;
  SSL_CTX_get0_chain_certs(context, &chain);
  for (int index = 0; index < sk_X509_num(chain); index++)
    if (X509_NAME_cmp(name, X509_get_issuer_name(sk_X509_value(chain, index))) == 0) return 1;
  return 0;
}

/* Whether clients that trust these authorities accept the context's own certificate for that name at
 * that time; answers an X509_V code. */
static inline int cordon_verify_own(SSL_CTX *context, X509_STORE *trust, const char *name,
                                    size_t length, time_t moment) {
  X509_STORE_CTX *store = X509_STORE_CTX_new();
  if (store == NULL) return X509_V_ERR_OUT_OF_MEM;
  int code = X509_V_ERR_UNSPECIFIED;
  STACK_OF(X509) *chain = NULL;
  SSL_CTX_get0_chain_certs(context, &chain);
  if (X509_STORE_CTX_init(store, trust, SSL_CTX_get0_certificate(context), chain) == 1 &&
      X509_STORE_CTX_set_default(store, "ssl_server") == 1) {
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(store);
    X509_VERIFY_PARAM_set_time(parameters, moment);
    X509_VERIFY_PARAM_set_auth_level(parameters, SSL_CTX_get_security_level(context));
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(parameters, name, length) == 1) {
      int verified = X509_verify_cert(store) == 1;
      code = X509_STORE_CTX_get_error(store);
      if (!verified && code == X509_V_OK) code = X509_V_ERR_UNSPECIFIED;
    }
  }
  X509_STORE_CTX_free(store);
  return code;
}

static inline X509 *cordon_pem_certificate(BIO *bio) {
  return PEM_read_bio_X509(bio, NULL, cordon_no_password, NULL);
}

static inline X509_CRL *cordon_pem_crl(BIO *bio) {
  return PEM_read_bio_X509_CRL(bio, NULL, cordon_no_password, NULL);
}

static inline EVP_PKEY *cordon_pem_key(BIO *bio) {
  return PEM_read_bio_PrivateKey(bio, NULL, cordon_no_password, NULL);
}

/* Takes ownership of the certificate when it answers 1. */
static inline int cordon_add_chain(SSL_CTX *context, X509 *certificate) {
  return (int)SSL_CTX_add0_chain_cert(context, certificate);
}

#endif
