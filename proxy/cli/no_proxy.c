#include "no_proxy.h"

static bool entry_holds(struct bytes entry, struct bytes host)
{
    struct bytes name, port;

    if (bytes_equal(entry, BYTES("*")))
        return true;
    if (bytes_start_with(entry, BYTES("*")))
        entry = bytes_skip(entry, 1);
    if (bytes_start_with(entry, BYTES(".")))
        entry = bytes_skip(entry, 1);
    bytes_cut(entry, ':', &name, &port);
    if (name.size == 0 || name.size > host.size || !bytes_equal_nocase(bytes_skip(host, host.size - name.size), name))
        return false;
    return name.size == host.size || host.data[host.size - name.size - 1] == '.';
}

bool no_proxy_bypasses(struct bytes list, struct bytes host, struct bytes *ret_entry)
{
    size_t at = 0;

    while (at < list.size) {
        size_t end = at;

        while (end < list.size && list.data[end] != ',' && list.data[end] != ' ')
            end++;
        struct bytes entry = bytes_of(list.data + at, end - at);
        if (entry_holds(entry, host)) {
            *ret_entry = entry;
            return true;
        }
        at = end + 1;
    }
    return false;
}
