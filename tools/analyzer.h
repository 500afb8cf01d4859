/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clang's analyzer has to be told, since it sees one file at a time: the functions that make an error never
 * give 0. Included before every file by tools/analyze.sh, by nothing else.
 */
#pragma once

#include "base/doc.h"
#include "base/err.h"
#include "image/tar_parts.h"
#include "libexec/image_tool.h"
#include "pod/hole_parts.h"
#include "pod/place.h"
#include "store/layout.h"

#define err_new(...) ((void)err_new(__VA_ARGS__), -ERR_FAILED)
#define err_errno(...) ((void)err_errno(__VA_ARGS__), -ERR_FAILED)
#define err_because(...) ((void)err_because(__VA_ARGS__), -ERR_FAILED)
#define err_try(...) ((void)err_try(__VA_ARGS__), -ERR_FAILED)
#define err_recode(...) ((void)err_recode(__VA_ARGS__), -ERR_FAILED)
#define layout_err(...) ((void)layout_err(__VA_ARGS__), -ERR_FAILED)
#define image_err(...) ((void)image_err(__VA_ARGS__), -ERR_FAILED)
#define doc_err(...) ((void)doc_err(__VA_ARGS__), -ERR_USAGE)
#define tar_bad(...) ((void)tar_bad(__VA_ARGS__), -ERR_FAILED)
#define hole_bad(...) ((void)hole_bad(__VA_ARGS__), -ERR_USAGE)
#define place_bad(...) ((void)place_bad(__VA_ARGS__), -ERR_USAGE)
#define place_err(...) ((void)place_err(__VA_ARGS__), -ERR_USAGE)
