// SPDX-License-Identifier: Apache-2.0
// glibc declares these only for GNU sources, which Swift's import of it is not.
#pragma once

// Renames; with HEADVIS_RENAME_EXCHANGE it makes two paths change places in one step.
extern int renameat2(int from_folder, const char *from, int to_folder, const char *to,
                     unsigned int flags);

#define HEADVIS_RENAME_EXCHANGE 2

// Copies between two open files within the kernel, and shares blocks where the file system can.
extern long copy_file_range(int from, long *from_offset, int to, long *to_offset,
                            unsigned long count, unsigned int flags);

// Commands of fcntl: a lease is given only for a file that nobody else has open.
#define HEADVIS_F_SETSIG 10
#define HEADVIS_F_SETLEASE 1024
