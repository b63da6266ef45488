#include "tls_error.h"

#include <openssl/err.h>

bool tls_error_set(struct error *error, const char *path, const char *what)
{
    unsigned long first = ERR_peek_error(), last = ERR_peek_last_error();

    ERR_clear_error();
    // What the system said comes first, and has no text of OpenSSL's.
    if (ERR_SYSTEM_ERROR(first))
        return error_set_unreadable(error, path, ERR_GET_REASON(first));
    return error_set(error, "%s: %s: %s", path, what, last ? ERR_reason_error_string(last) : "unknown");
}
