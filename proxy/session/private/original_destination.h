// Where a connection was going before it was led to a transparent listener.
#ifndef GITLATCH_ORIGINAL_DESTINATION_H
#define GITLATCH_ORIGINAL_DESTINATION_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "address.h"
#include "host_name.h"

// By netfilter's redirect (SO_ORIGINAL_DST); in hosts mode, where nothing was redirected, the address of our own end.
bool original_destination(int fd, struct address *ret_address) GL_MUST_CHECK;
// The address as a host, for a connection that names none.
void original_destination_host(const struct address *address, struct host_name *ret_host);

#endif
