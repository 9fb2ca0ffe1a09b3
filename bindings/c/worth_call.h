// The calls "worth" and "fit_layer": what model/worth.h says of a task, a helper and a link, and
// model/layer_fit.h of a layer and a link, for hosts that ask before they send.
#pragma once

#include "core/bytes.h"
#include "core/status.h"
#include "model/params_reader.h"

namespace p2c2r::capi {

// The fields of the answer.
Result<Bytes> judge_worth_call(ParamsReader& arguments);
Result<Bytes> fit_layer_call(ParamsReader& arguments);

}  // namespace p2c2r::capi
