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
#define CORDON_TAG_LENGTH 32 /* says which key an identity has: HMAC-SHA256 of the identity */
#define CORDON_IDENTITY_LENGTH 128 /* the longest: shorter than any ticket of OpenSSL */

/* Where records are handed over: one record lent to OpenSSL, the datagrams or pieces of a stream that
 * it answers with. One desk serves all sessions of an end, because one event is handled at a time. */
struct cordon_desk {
  const unsigned char *input; /* what is left of the lent record, NULL once taken */
  int input_length;
  unsigned char *output; /* each datagram or piece: two bytes of length, then its bytes */
  int output_length;
  int output_capacity;
  unsigned char cookie[CORDON_COOKIE_LENGTH]; /* the cookie that the gate accepted */
  time_t verification_time;
  const unsigned char *keys; /* each: lengths of identity and key, tag, identity, key */
  int keys_length;
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
  desk->input_length -= count;
  desk->input = desk->input_length > 0 ? desk->input + count : NULL;
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

/* Verifies a peer's certificate against the context's trust and CRLs: a server's as `parameters` of a
 * connection ask, a client's without; answers an X509_V code. */
static inline int cordon_verify(SSL_CTX *context, X509 *leaf, STACK_OF(X509) *untrusted,
                                const X509_VERIFY_PARAM *parameters) {
  struct cordon_desk *desk = (struct cordon_desk *)SSL_CTX_get_app_data(context);
  X509_STORE_CTX *store = X509_STORE_CTX_new();
  if (store == NULL) return X509_V_ERR_OUT_OF_MEM;
  int code = X509_V_ERR_UNSPECIFIED;
  if (X509_STORE_CTX_init(store, SSL_CTX_get_cert_store(context), leaf, untrusted) == 1 &&
      X509_STORE_CTX_set_default(store, parameters == NULL ? "ssl_client" : "ssl_server") == 1) {
    X509_VERIFY_PARAM *own = X509_STORE_CTX_get0_param(store);
    if (parameters == NULL || X509_VERIFY_PARAM_set1(own, parameters) == 1) {
      X509_VERIFY_PARAM_set_time(own, desk->verification_time);
      X509_VERIFY_PARAM_set_auth_level(own, SSL_CTX_get_security_level(context));
      int verified = X509_verify_cert(store) == 1;
      code = X509_STORE_CTX_get_error(store);
      if (!verified && code == X509_V_OK) code = X509_V_ERR_UNSPECIFIED;
    }
  }
  X509_STORE_CTX_free(store);
  return code;
}

/* The entry of an identity among the desk's keys; looks at all of them. */
static inline const unsigned char *cordon_find_key(const struct cordon_desk *desk,
                                                   const unsigned char *identity, size_t length) {
  const unsigned char *found = NULL;
  const unsigned char *next = desk->keys;
  const unsigned char *end = next + desk->keys_length;
  while (next < end) {
    if (next[0] == length && CRYPTO_memcmp(next + 2 + CORDON_TAG_LENGTH, identity, length) == 0)
      found = next;
    next += 2 + CORDON_TAG_LENGTH + next[0] + next[1];
  }
  return found;
}

/* The identity of a session made with a pre-shared key, behind the key's tag. */
static inline const unsigned char *cordon_key_proof(SSL_SESSION *session, size_t *length) {
  void *data = NULL;
  if (session == NULL || SSL_SESSION_get0_ticket_appdata(session, &data, length) != 1 ||
      *length <= CORDON_TAG_LENGTH)
    return NULL;
  return (const unsigned char *)data;
}

/* Whether the desk still has the key that the session was made with. */
static inline int cordon_has_key(const struct cordon_desk *desk, SSL_SESSION *session) {
  size_t length = 0;
  const unsigned char *proof = cordon_key_proof(session, &length);
  if (proof == NULL) return 0;
  const unsigned char *key =
      cordon_find_key(desk, proof + CORDON_TAG_LENGTH, length - CORDON_TAG_LENGTH);
  return key != NULL && CRYPTO_memcmp(key + 2, proof, CORDON_TAG_LENGTH) == 0;
}

/* Notes in the session, and so in its tickets, which key it is made with. */
static inline int cordon_note_key(SSL_SESSION *session, const unsigned char *key) {
  return session != NULL &&
         SSL_SESSION_set1_ticket_appdata(session, key + 2, CORDON_TAG_LENGTH + key[0]) == 1;
}

/* A server's answer to an identity in (D)TLS 1.2. A stranger's identity gets a random key, and fails
 * where a wrong key does. */
static inline unsigned int cordon_psk_server(SSL *ssl, const char *identity, unsigned char *key,
                                             unsigned int maximum) {
  struct cordon_desk *desk = (struct cordon_desk *)SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
  if (SSL_version(ssl) == TLS1_3_VERSION) return 0; /* cordon_psk_find has answered */
  if (maximum < 255 || RAND_bytes(key, CORDON_TAG_LENGTH) != 1) return 0;
  const unsigned char *found =
      cordon_find_key(desk, (const unsigned char *)identity, strlen(identity));
  if (found == NULL) return CORDON_TAG_LENGTH;
  if (!cordon_note_key(SSL_get_session(ssl), found)) return 0;
  memcpy(key, found + 2 + CORDON_TAG_LENGTH + found[0], found[1]);
  return found[1];
}

/* The same in TLS 1.3, where tickets come as identities too: they are longer. */
static inline int cordon_psk_find(SSL *ssl, const unsigned char *identity, size_t length,
                                  SSL_SESSION **session) {
  static const unsigned char suite[2] = {0x13, 0x01}; /* TLS_AES_128_GCM_SHA256 */
  struct cordon_desk *desk = (struct cordon_desk *)SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
  unsigned char key[CORDON_TAG_LENGTH];
  *session = NULL;
  if (length > CORDON_IDENTITY_LENGTH) return 1;
  if (RAND_bytes(key, CORDON_TAG_LENGTH) != 1) return 0;
  const unsigned char *found = cordon_find_key(desk, identity, length);
  SSL_SESSION *made = SSL_SESSION_new();
  if (made != NULL && SSL_SESSION_set_cipher(made, SSL_CIPHER_find(ssl, suite)) == 1 &&
      SSL_SESSION_set_protocol_version(made, TLS1_3_VERSION) == 1 &&
      (found == NULL
           ? SSL_SESSION_set1_master_key(made, key, CORDON_TAG_LENGTH) == 1
           : cordon_note_key(made, found) &&
                 SSL_SESSION_set1_master_key(made, found + 2 + CORDON_TAG_LENGTH + found[0],
                                             found[1]) == 1)) {
    *session = made;
    return 1;
  }
  SSL_SESSION_free(made);
  return 0;
}

/* A client's identity and key: its desk has one. */
static inline unsigned int cordon_psk_client(SSL *ssl, const char *hint, char *identity,
                                             unsigned int maximum_identity, unsigned char *key,
                                             unsigned int maximum) {
  (void)hint;
  struct cordon_desk *desk = (struct cordon_desk *)SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
  const unsigned char *own = desk->keys;
  if (desk->keys_length == 0 || own[0] >= maximum_identity || own[1] > maximum) return 0;
  memcpy(identity, own + 2 + CORDON_TAG_LENGTH, own[0]);
  identity[own[0]] = 0;
  memcpy(key, own + 2 + CORDON_TAG_LENGTH + own[0], own[1]);
  return own[1];
}

/* OpenSSL resumes without looking at the certificate again: an expired or revoked one would live as
 * long as its ticket. A ticket whose certificate no longer verifies, or whose key is no longer there,
 * is ignored, so that the full handshake decides. */
static inline SSL_TICKET_RETURN cordon_ticket_decrypted(
    SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t length,
    SSL_TICKET_STATUS status, void *argument) {
  (void)name;
  (void)length;
  (void)argument;
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  SSL_CTX *context = SSL_get_SSL_CTX(ssl);
  X509 *peer = session == NULL ? NULL : SSL_SESSION_get0_peer(session);
  int good = peer == NULL
                 ? cordon_has_key((struct cordon_desk *)SSL_CTX_get_app_data(context), session)
                 : cordon_verify(context, peer, NULL, NULL) == X509_V_OK;
  ERR_clear_error();
  if (!good) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

static inline int cordon_no_password(char *buffer, int size, int writing, void *argument) {
  (void)buffer;
  (void)size;
  (void)writing;
  (void)argument;
  return -1; /* never ask at a terminal */
}

/* Picks "coap" of what a client on a stream offers (RFC 8323, Section 8.2); a client that offers
 * nothing doesn't get here. */
static inline int cordon_select_coap(SSL *ssl, const unsigned char **chosen, unsigned char *length,
                                     const unsigned char *offered, unsigned int offered_length,
                                     void *argument) {
  (void)ssl;
  (void)argument;
  for (unsigned int at = 0; at + 5 <= offered_length; at += 1u + offered[at])
    if (memcmp(offered + at, "\4coap", 5) == 0) {
      *chosen = offered + at + 1;
      *length = 4;
      return SSL_TLSEXT_ERR_OK;
    }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Options and callbacks of a server whose clients prove who they are: what OpenSSL has as macros with
 * 64-bit values. */
static inline void cordon_prepare_server(SSL_CTX *context, struct cordon_desk *desk, int is_stream) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_QUERY_MTU |
                                   SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_app_data(context, desk);
  SSL_CTX_set_session_ticket_cb(context, NULL, cordon_ticket_decrypted, NULL);
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_num_tickets(context, 1);
  if (is_stream) {
    SSL_CTX_set_alpn_select_cb(context, cordon_select_coap, NULL);
  } else {
    SSL_CTX_set_cookie_generate_cb(context, cordon_cookie_generate);
    SSL_CTX_set_cookie_verify_cb(context, cordon_cookie_verify);
  }
}

/* Lets clients prove who they are with a pre-shared key. */
static inline void cordon_accept_keys(SSL_CTX *context) {
  SSL_CTX_set_dh_auto(context, 1);
  SSL_CTX_set_psk_server_callback(context, cordon_psk_server);
  SSL_CTX_set_psk_find_session_callback(context, cordon_psk_find);
}

/* Options of clients; `has_key`: one with a pre-shared key. */
static inline void cordon_prepare_client(SSL_CTX *context, struct cordon_desk *desk, int has_key) {
  SSL_CTX_set_options(context,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_QUERY_MTU | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_app_data(context, desk);
  if (has_key) SSL_CTX_set_psk_client_callback(context, cordon_psk_client);
}

/* A flight is repeated after 1, 2, and then each 5 seconds. */
static inline unsigned int cordon_flight_patience(SSL *ssl, unsigned int last) {
  (void)ssl;
  return last == 0 ? 1000000 : last == 1000000 ? 2000000 : 5000000;
}

/* Says whom a client means to reach: a name, which it also tells the server, or an address. */
static inline int cordon_expect_server(SSL *ssl, const char *name, const unsigned char *address,
                                       size_t address_length) {
  X509_VERIFY_PARAM *parameters = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(
      parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (SSL_is_dtls(ssl)) DTLS_set_timer_cb(ssl, cordon_flight_patience);
  if (name == NULL) return X509_VERIFY_PARAM_set1_ip(parameters, address, address_length);
  return X509_VERIFY_PARAM_set1_host(parameters, name, strlen(name)) == 1 &&
         SSL_set_tlsext_host_name(ssl, name) == 1;
}

/* Milliseconds until a flight is to be repeated; negative when none is. */
static inline long cordon_flight_due(SSL *ssl) {
  struct timeval left = {0, 0};
  if (!SSL_is_dtls(ssl) || DTLSv1_get_timeout(ssl, &left) != 1) return -1;
  return (long)left.tv_sec * 1000 + (left.tv_usec + 999) / 1000;
}

/* Notes which key the server proved to have: the client's own, or that of the ticket. */
static inline int cordon_note_own_key(SSL *ssl) {
  struct cordon_desk *desk = (struct cordon_desk *)SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
  size_t length = 0;
  return cordon_key_proof(SSL_get_session(ssl), &length) != NULL ||
         (desk->keys_length > 0 && cordon_note_key(SSL_get_session(ssl), desk->keys));
}

/* The session with which a client may resume later; NULL when there is none. */
static inline SSL_SESSION *cordon_resumable(SSL *ssl) {
  SSL_SESSION *session = SSL_get_session(ssl);
  return session != NULL && SSL_SESSION_is_resumable(session) && SSL_SESSION_has_ticket(session)
             ? session
             : NULL;
}

/* Writes a session, and behind it the certificates of the chain that it doesn't hold, as DER; answers
 * the length, which is all that it does without a place to write to. */
static inline long cordon_ticket(SSL_SESSION *session, STACK_OF(X509) *chain, unsigned char *place) {
  unsigned char *next = place;
  unsigned char **target = place == NULL ? NULL : &next;
  long total = i2d_SSL_SESSION(session, target);
  X509 *leaf = SSL_SESSION_get0_peer(session);
  for (int index = 0; total > 0 && leaf != NULL && index < sk_X509_num(chain); index++) {
    if (X509_cmp(leaf, sk_X509_value(chain, index)) == 0) continue;
    int length = i2d_X509(sk_X509_value(chain, index), target);
    if (length <= 0) return -1;
    total += length;
  }
  return total;
}

static inline void cordon_chain_free(STACK_OF(X509) *chain) {
  sk_X509_pop_free(chain, X509_free);
}

/* Offers the session that `cordon_ticket` wrote if its server is good now; answers with the
 * certificates that came with it, NULL when it isn't offered. */
static inline STACK_OF(X509) *cordon_resume(SSL *ssl, const unsigned char *ticket, size_t length) {
  SSL_CTX *context = SSL_get_SSL_CTX(ssl);
  const unsigned char *next = ticket;
  const unsigned char *end = ticket + length;
  SSL_SESSION *session = d2i_SSL_SESSION(NULL, &next, (long)length);
  STACK_OF(X509) *chain = sk_X509_new_null();
  int good = session != NULL && chain != NULL;
  while (good && next < end) {
    X509 *certificate = d2i_X509(NULL, &next, (long)(end - next));
    good = certificate != NULL && sk_X509_push(chain, certificate) > 0;
    if (!good) X509_free(certificate);
  }
  if (good) {
    X509 *peer = SSL_SESSION_get0_peer(session);
    good = peer == NULL
               ? cordon_has_key((struct cordon_desk *)SSL_CTX_get_app_data(context), session)
               : cordon_verify(context, peer, chain, SSL_get0_param(ssl)) == X509_V_OK;
  }
  good = good && SSL_set_session(ssl, session) == 1;
  SSL_SESSION_free(session);
  if (good) return chain;
  sk_X509_pop_free(chain, X509_free);
  return NULL;
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
