// Any text as a request-target, a host and a Host field. A second, simpler reading of what is accepted must
// find nothing that could be read otherwise.
#include "fuzz.h"
#include "target.h"

#include <arpa/inet.h>

#define INPUT_MAX 4096

// Decodes once, and looks for what a server might walk up with.
static void check_decoded_path(struct bytes path)
{
    static char decoded[INPUT_MAX + 3];
    size_t size = 0;

    for (size_t i = 0; i < path.size; i++) {
        if (path.data[i] == '%') {
            char digits[3] = {path.data[i + 1], path.data[i + 2], '\0'};

            decoded[size++] = (char)strtoul(digits, NULL, 16);
            i += 2;
        } else {
            decoded[size++] = path.data[i];
        }
    }
    decoded[size++] = '/';
    FUZZ_CHECK(!memchr(decoded, '\0', size) && !memchr(decoded, '\\', size));
    FUZZ_CHECK(!memmem(decoded, size, "/../", 4) && !memmem(decoded, size, "/./", 3));
}

static void check_path(struct bytes path)
{
    struct bytes rest = path, segment;
    size_t size = 0;

    FUZZ_CHECK(path.size != 0 && path.data[0] == '/' && !memmem(path.data, path.size, "//", 2));
    while (target_next_segment(&rest, &segment)) {
        FUZZ_CHECK(path.data[size] == '/' && segment.data == path.data + size + 1);
        FUZZ_CHECK(!memchr(segment.data, '/', segment.size));
        size += 1 + segment.size;
    }
    FUZZ_CHECK(size == path.size);
    check_decoded_path(path);
}

// Normal text stays as it is, and no resolver takes a name for an address.
static void check_host(const struct host_name *host)
{
    char text[HOST_NAME_MAX_LENGTH + 3];
    struct host_name again;
    struct in_addr address;
    int size = snprintf(text, sizeof(text), host->kind == HOST_IPV6 ? "[%s]" : "%s", host->text);

    FUZZ_CHECK(host->size == strlen(host->text) && host->size != 0);
    FUZZ_CHECK(host_name_parse(bytes_of(text, (size_t)size), &again) && host_name_equal(host, &again));
    FUZZ_CHECK((host->kind == HOST_IPV4) == (inet_aton(host->text, &address) != 0));
    for (size_t i = 0; i < host->size; i++)
        FUZZ_CHECK(strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.:", host->text[i]));
}

static void check_target(enum head_method method, struct bytes text)
{
    struct target target;

    if (!target_parse(method, text, &target, NULL))
        return;
    FUZZ_CHECK((target.form == TARGET_AUTHORITY) == (method == METHOD_CONNECT));
    if (target.form == TARGET_ORIGIN || target.form == TARGET_ABSOLUTE)
        check_path(target.path);
    if (target.form == TARGET_AUTHORITY || target.form == TARGET_ABSOLUTE) {
        FUZZ_CHECK(target.port != 0);
        check_host(&target.host);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_of((const char *)data, size);
    struct host_name host;
    uint16_t port;

    if (size > INPUT_MAX)
        return 0;
    check_target(METHOD_GET, text);
    check_target(METHOD_OPTIONS, text);
    check_target(METHOD_CONNECT, text);
    if (host_name_parse(text, &host))
        check_host(&host);
    if (host_name_parse_authority(text, 443, &host, &port))
        check_host(&host);
    return 0;
}
