// SPDX-License-Identifier: Apache-2.0
// PCRE2's functions carry their code unit width in their names only after this macro.
#pragma once
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
