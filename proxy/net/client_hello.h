// The server name inside a TLS ClientHello, read from the first bytes of a connection however they are split.
// Pure. Sources: RFC 8446 4.1.2 and 5.1, RFC 6066 3.
#ifndef GITLATCH_CLIENT_HELLO_H
#define GITLATCH_CLIENT_HELLO_H

#include "bytes.h"

// A ClientHello of today has 500 to 2,000 bytes, with post-quantum key shares up to 6,000. A longer one is
// CLIENT_HELLO_BAD: servers take them up to 128 KiB, and nobody may hide a name behind so much padding.
#define CLIENT_HELLO_MAX (16 * 1024)
#define SERVER_NAME_SIZE 256 // RFC 1035: 255 bytes at the most, and NUL

enum client_hello_result {
    CLIENT_HELLO_MORE, // more bytes are needed
    CLIENT_HELLO_NAME, // `ret_name` holds the name
    CLIENT_HELLO_NONE, // a ClientHello without a server name, or with one that no host has
    CLIENT_HELLO_BAD, // TLS that begins with another record, or a ClientHello that is too long, malformed or names two hosts:
                      // its server may read what is not read here
    CLIENT_HELLO_NOT, // not TLS
};

// Looks into the bytes that came so far. The name is lower case, without a trailing dot.
enum client_hello_result client_hello_name(struct bytes input, char ret_name[SERVER_NAME_SIZE]);

#endif
