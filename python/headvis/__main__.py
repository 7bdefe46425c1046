# SPDX-License-Identifier: Apache-2.0
from headvis.command import main

main()
