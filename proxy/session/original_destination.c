#include "original_destination.h"

#include <arpa/inet.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

bool original_destination(int fd, struct address *ret_address)
{
    struct address address = {.length = sizeof(address.storage)};

    if (getsockname(fd, &address.any, &address.length) < 0)
        return false;
    if (address.any.sa_family == AF_INET) {
        socklen_t size = sizeof(address.v4);

        getsockopt(fd, SOL_IP, SO_ORIGINAL_DST, &address.v4, &size);
    } else {
        socklen_t size = sizeof(address.v6);

        getsockopt(fd, SOL_IPV6, IP6T_SO_ORIGINAL_DST, &address.v6, &size);
    }
    *ret_address = address;
    return true;
}

void original_destination_host(const struct address *address, struct host_name *ret_host)
{
    bool v6 = address->any.sa_family == AF_INET6;
    const void *bytes = v6 ? (const void *)&address->v6.sin6_addr : (const void *)&address->v4.sin_addr;

    *ret_host = (struct host_name){.kind = v6 ? HOST_IPV6 : HOST_IPV4};
    inet_ntop(address->any.sa_family, bytes, ret_host->text, sizeof(ret_host->text));
    ret_host->size = strlen(ret_host->text);
}
