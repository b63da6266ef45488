// The types that hold hosts, ports and addresses.
#ifndef GITLATCH_SETTING_HOSTS_H
#define GITLATCH_SETTING_HOSTS_H

#include "setting_type.h"

extern const struct setting_type setting_address;        // struct config_address
extern const struct setting_type setting_address_or_off; // the same
extern const struct setting_type setting_host_names;     // struct text_list: names and literal addresses
extern const struct setting_type setting_host_suffixes;  // struct text_list: the same, and ".corp"
extern const struct setting_type setting_other_hosts;    // struct other_hosts
extern const struct setting_type setting_connect_to;     // struct config_connect_to *; `detail`: offset of their count

#endif
