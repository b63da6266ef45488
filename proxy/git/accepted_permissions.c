#include "accepted_permissions.h"

static struct bytes trim_spaces(struct bytes text)
{
    while (text.size && text.data[0] == ' ')
        text = bytes_skip(text, 1);
    while (text.size && text.data[text.size - 1] == ' ')
        text.size--;
    return text;
}

static bool add_accepted(struct permissions *set, struct bytes item)
{
    struct bytes name, level_name;
    enum permission_level level;

    return bytes_cut(item, '=', &name, &level_name) && permission_level_parse(trim_spaces(level_name), &level) &&
           permissions_add(set, trim_spaces(name), level);
}

bool accepted_permissions_next(struct bytes *value, struct permissions *ret_set)
{
    struct permissions set = {0};
    struct bytes list, item;

    if (value->size == 0)
        return false;
    (void)bytes_cut(*value, ';', &list, value);
    do {
        (void)bytes_cut(list, ',', &item, &list);
        if (!add_accepted(&set, item))
            return false;
    } while (list.size);
    *ret_set = set;
    return true;
}

bool accepted_permissions_lack(struct bytes value, const struct permissions *granted)
{
    struct permissions set, all = *granted;

    if (value.size == 0)
        return false;
    // Every token reads it, whether its scope names it or not.
    if (!permissions_add(&all, BYTES("metadata"), PERMISSION_READ))
        return false;
    while (value.size)
        if (!accepted_permissions_next(&value, &set) || permissions_cover(&all, &set))
            return false;
    return true;
}

void accepted_permissions_append(struct bytes value, struct text *text)
{
    struct permissions set;

    for (size_t count = 0; accepted_permissions_next(&value, &set); count++) {
        text_append(text, count ? " or `permissions: {" : "`permissions: {");
        for (size_t i = 0; i < set.count; i++)
            text_format(text, "%s%s: %s", i ? ", " : "", set.items[i].name, permission_level_name(set.items[i].level));
        text_append(text, "}`");
    }
}
