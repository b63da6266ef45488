// The CA of one workspace: it can sign for the intercepted hosts and for nothing else, so that whoever trusts
// it trusts it with no other name, even if its key were stolen.
//
// The certificate (RFC 5280): P-256, signed ECDSA-SHA256; critical basicConstraints CA, pathLen 0; critical
// keyUsage keyCertSign; extKeyUsage serverAuth; SKI and AKI; critical nameConstraints that permit the hosts
// as dNSNames and exclude every IPv4 and IPv6 address. A constraint binds only names of its own form (section
// 4.2.1.10), so addresses must be excluded by themselves; the other forms (mail, URI, directory name) prove
// no TLS server, and extKeyUsage takes every other purpose away. A permitted `github.com` also permits its
// subdomains: X.509 has no form that does not, and api.github.com must be permitted.
#ifndef GITLATCH_AUTHORITY_H
#define GITLATCH_AUTHORITY_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "clock.h"
#include "error.h"
#include "name_list.h"

struct authority;
struct secret;

// Certificates are valid from an hour before they are made: a workspace whose clock is late takes them.
#define AUTHORITY_BACKDATE_MS (1 * HOUR_MS)
#define AUTHORITY_LIFE_MS     (365 * DAY_MS)
// With less than this left it is renewed: a tool that keeps the old certificate in memory has that long to be
// started anew, and a leaf (seven days) never outlives the CA that its reader knows.
#define AUTHORITY_RENEW_BEFORE_MS (30 * DAY_MS)

// A new key and a certificate for it. `hosts` are made normal: lower case, no port, no trailing dot. Its
// subject holds a part of the key's fingerprint, so that the CAs of two workspaces can stand in one bundle.
struct authority *authority_new(const struct name_list *hosts, struct wall now, struct error *ret_error) GL_MUST_CHECK;
// A certificate of the same key, subject and hosts, valid for another year. Whoever trusts the old
// certificate goes on trusting the leaves, whichever of the two certificates is called their issuer.
struct authority *authority_renew(const struct authority *old, struct wall now, struct error *ret_error) GL_MUST_CHECK;
// From what authority_pem and authority_key_pem gave. Fails where one is damaged or the two are no pair.
struct authority *authority_parse(struct bytes certificate_pem, struct bytes key_pem, struct error *ret_error)
    GL_MUST_CHECK;
// NULL is allowed.
void authority_free(struct authority *authority);

// Whether its certificate is the one that authority_new would make for these hosts.
bool authority_fits(const struct authority *authority, const struct name_list *hosts);
// Whether it must be renewed: near its end, over, or not yet valid (the clock was set back).
bool authority_due(const struct authority *authority, struct wall now);
struct wall authority_expiry(const struct authority *authority);

// The certificate, PEM; valid as long as the authority.
struct bytes authority_pem(const struct authority *authority);
// The key, PKCS#8 PEM, unencrypted: for `ca.state` alone. The caller owns one reference.
struct secret *authority_key_pem(const struct authority *authority) GL_MUST_CHECK;

// For leaf.c, which signs with them; borrowed.
X509 *authority_certificate(const struct authority *authority);
EVP_PKEY *authority_key(const struct authority *authority);

#endif
