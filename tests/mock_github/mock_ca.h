// The mock's own certificate authority and the certificates it shows, good and bad.
#ifndef GITLATCH_MOCK_CA_H
#define GITLATCH_MOCK_CA_H

#include <openssl/ssl.h>

#include <gitlatch/attr.h>

enum mock_certificate {
    CERTIFICATE_GOOD,
    CERTIFICATE_WRONG_NAME, // good, but for wrong.test
    CERTIFICATE_UNTRUSTED,  // of another authority
    CERTIFICATE_EXPIRED,
    CERTIFICATE_COUNT,
};

// Makes or loads DIRECTORY/ca.pem and ca.key (0600), and the leaves. Ends the process with a message on
// failure.
void mock_ca_open(const char *directory);
// A TLS context that shows this certificate. Valid for the process's life.
SSL_CTX *mock_ca_context(enum mock_certificate certificate);
const char *mock_ca_certificate_name(enum mock_certificate certificate);

// The RSA key of an App (PKCS#8) in the file `path`, made where it is not there. Its public half as PEM, owned
// by the caller.
char *mock_ca_app_key(const char *path);

#endif
