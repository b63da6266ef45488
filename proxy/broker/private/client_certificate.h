// A caller's certificate: verified at each call by the bundle as it is now, so that one that has expired, or whose CA was
// taken away, proves nothing any more, however long its connection stands. Sources: SPIFFE X509-SVID, sections 2 and 5;
// RFC 5280; RFC 6125.
#ifndef GITLATCH_CLIENT_CERTIFICATE_H
#define GITLATCH_CLIENT_CERTIFICATE_H

#include <openssl/types.h>

#include <gitlatch/attr.h>

#include "error.h"

enum client_certificate {
    CLIENT_CERTIFICATE_NONE,   // none was shown
    CLIENT_CERTIFICATE_PROVEN, // `ret_names` is filled
    CLIENT_CERTIFICATE_REFUSED,
};

// The names that it proves: the SPIFFE id alone where it has one (of URIs there must be exactly one), else its DNS names and
// its subject as "CN=ci,O=Acme"; ends with NULL. `roots` are those of now.
enum client_certificate client_certificate_check(SSL *ssl, X509_STORE *roots, char ***ret_names,
                                                 struct error *ret_error) GL_MUST_CHECK;
void client_certificate_names_free(char **names); // NULL: nothing

#endif
