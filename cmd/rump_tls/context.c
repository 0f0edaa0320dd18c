/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * context.c - what OpenSSL has to know: keys, certificates, TLS 1.3 and nothing else
 *
 * Both sides prove who they are, by a key that both have or by certificates of
 * an authority that both know.  There is no half of that: a server that anybody may
 * use, or a client that believes anybody, is refused.
 *
 * Nothing is taken up again (no tickets), nothing is sent early: a connection lasts
 * as long as a thread, and the handshake is a small part of it.
 *
 * References: RFC 8446; SSL_CTX_set_psk_find_session_callback(3),
 * SSL_CTX_set_psk_use_session_callback(3), X509_VERIFY_PARAM_set1_host(3).
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tls.h"

/* Keys are used with SHA-256, and so are these. */
#define SUITES_PSK	"TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
#define SUITES_CERT	SUITES_PSK ":TLS_AES_256_GCM_SHA384"

static const unsigned char suite_id[2] = { 0x13, 0x01 };	/* TLS_AES_128_GCM_SHA256 */

static struct psk *keys;
static unsigned int nkeys;

void
say_tls(const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	say("%s: %s", what, reason != NULL ? reason : "TLS failed");
	ERR_clear_error();
}

/* --- keys ---------------------------------------------------------------------------- */

static SSL_SESSION *
key_session(SSL *ssl, const struct psk *k)
{
	const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suite_id);
	SSL_SESSION *sess = SSL_SESSION_new();

	if (sess != NULL && cipher != NULL &&
	    SSL_SESSION_set1_master_key(sess, k->k_key, k->k_len) == 1 &&
	    SSL_SESSION_set_cipher(sess, cipher) == 1 &&
	    SSL_SESSION_set_protocol_version(sess, TLS1_3_VERSION) == 1)
		return sess;
	SSL_SESSION_free(sess);
	return NULL;
}

/* Server: whose key that is.  One who is unknown may have a certificate. */
static int
key_find(SSL *ssl, const unsigned char *name, size_t len, SSL_SESSION **ret_sess)
{
	*ret_sess = NULL;
	for (unsigned int i = 0; i < nkeys; i++) {
		if (strlen(keys[i].k_name) != len || memcmp(keys[i].k_name, name, len) != 0)
			continue;
		*ret_sess = key_session(ssl, &keys[i]);
		(void)SSL_set_app_data(ssl, &keys[i]);
		return *ret_sess != NULL;
	}
	return 1;
}

static int
key_use(SSL *ssl, const EVP_MD *md, const unsigned char **ret_name, size_t *ret_len,
    SSL_SESSION **ret_sess)
{
	*ret_sess = NULL;
	if (md != NULL && EVP_MD_get_type(md) != NID_sha256)
		return 1;
	*ret_sess = key_session(ssl, &keys[0]);
	*ret_name = (const unsigned char *)keys[0].k_name;
	*ret_len = strlen(keys[0].k_name);
	return *ret_sess != NULL;
}

/* --- certificates ----------------------------------------------------------------------- */

/* Nobody is asked at the terminal. */
static int
no_password(char *buf, int size, int writing, void *arg)
{
	return 0;
}

static bool
certificates(SSL_CTX *ctx, const char *cert, const char *key, const char *ca)
{
	if (cert == NULL || key == NULL || ca == NULL) {
		say("certificates: one's own (--tls-cert), its key (--tls-key) and the authority "
		    "of the other side (--tls-ca) belong together");
		return false;
	}
	if (secret_check(key) != 0)
		return false;
	SSL_CTX_set_default_passwd_cb(ctx, no_password);
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1) {
		say_tls(cert);
		return false;
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1) {
		say_tls(key);
		return false;
	}
	if (SSL_CTX_load_verify_file(ctx, ca) != 1) {
		say_tls(ca);
		return false;
	}
	return true;
}

/* A client knows whom it wants to talk to. */
static bool
expect_host(SSL_CTX *ctx, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
	unsigned char address[16];

	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1;
}

/* --- both ------------------------------------------------------------------------------------ */

static const char *
setting(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool
credentials(SSL_CTX *ctx, bool server, const char *host)
{
	const char *psk = setting("RUMP_TLS_PSK"), *cert = setting("RUMP_TLS_CERT"),
	    *key = setting("RUMP_TLS_KEY"), *ca = setting("RUMP_TLS_CA");
	bool certs = cert != NULL || key != NULL || ca != NULL;

	if (psk == NULL && !certs) {
		say("tcp:// is for those who prove who they are: a key of both sides (--tls-psk FILE, "
		    "RUMP_TLS_PSK), or certificates (--tls-cert, --tls-key, --tls-ca)");
		return false;
	}
	if (psk != NULL && psk_read(psk, &keys, &nkeys) != 0)
		return false;
	if (psk != NULL && server)
		SSL_CTX_set_psk_find_session_callback(ctx, key_find);
	else if (psk != NULL)
		SSL_CTX_set_psk_use_session_callback(ctx, key_use);
	if (certs && !certificates(ctx, cert, key, ca))
		return false;
	if (SSL_CTX_set_ciphersuites(ctx, certs ? SUITES_CERT : SUITES_PSK) != 1)
		return false;
	/* Without an authority no certificate is good. */
	if (certs || !server)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER |
		    (server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
	return server || expect_host(ctx, host);
}

SSL_CTX *
context_create(bool server, const char *host)
{
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());

	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1) {
		say_tls("TLS 1.3");
		return NULL;
	}
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
	    SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	if (credentials(ctx, server, host))
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

bool
context_peer(SSL *ssl, bool server, char *name, size_t size)
{
	const struct psk *k = SSL_get_app_data(ssl);
	X509 *cert;
	int len;

	name[0] = '\0';
	if (SSL_version(ssl) != TLS1_3_VERSION)
		return false;
	/* The key was the right one, or there would be no end of the handshake. */
	if (SSL_session_reused(ssl) && (k != NULL || !server)) {
		(void)snprintf(name, size, "%s", k != NULL ? k->k_name : "");
		return true;
	}
	cert = SSL_get0_peer_certificate(ssl);
	if (cert == NULL || SSL_get_verify_result(ssl) != X509_V_OK)
		return false;
	len = X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name,
	    (int)size);
	return len >= 0 || !server;
}
