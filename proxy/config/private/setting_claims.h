// The type of `claims`: names of claims with a pattern each.
#ifndef GITLATCH_SETTING_CLAIMS_H
#define GITLATCH_SETTING_CLAIMS_H

#include "setting_type.h"

extern const struct setting_type setting_claims; // struct config_claims

#endif
