#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The proofs of tests/formal, each on its planted bug too.
MPQ_FORMAL_BUGS=all exec sh "$(dirname "$0")/test_formal.sh"
