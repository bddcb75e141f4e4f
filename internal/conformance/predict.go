package conformance

import "context"

// A Predictor says what a build gives without building it.
type Predictor func(ctx context.Context, r Request) (*Result, error)

// Predict is ctxaudit's prediction; nil until there is one.
var Predict Predictor
