// SPDX-License-Identifier: Apache-2.0
// glibc declares this function only for GNU sources, which Swift's import of it is not.
#pragma once

// Renames; with HEADVIS_RENAME_EXCHANGE it makes two paths change places in one step.
extern int renameat2(int from_folder, const char *from, int to_folder, const char *to,
                     unsigned int flags);

#define HEADVIS_RENAME_EXCHANGE 2
