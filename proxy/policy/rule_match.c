#include "rule_match.h"

bool rule_match_split(const char *match, struct bytes *ret_web, struct bytes *ret_pattern)
{
    struct bytes whole = bytes_of_string(match), web, pattern;
    bool names_host = bytes_cut(whole, '/', &web, &pattern) && web.size > 0 && !memchr(web.data, '*', web.size) &&
                      (memchr(web.data, '.', web.size) || memchr(web.data, ':', web.size));

    *ret_web = names_host ? web : bytes_of(NULL, 0);
    *ret_pattern = names_host ? pattern : whole;
    return names_host;
}
