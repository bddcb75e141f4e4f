package budget

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestBeyond(t *testing.T) {
	assert.EqualError(t, &Beyond{File: "f", Line: 3, What: "this"}, "f:3: ctxaudit does not follow this")
	assert.EqualError(t, &Beyond{File: "f", What: "this", Err: &Exceeded{"steps", 5}}, "f: ctxaudit does not follow this: it takes more than 5 steps")
	assert.EqualError(t, &Beyond{What: "this"}, "ctxaudit does not follow this")
	assert.True(t, Is(&Beyond{Err: &Exceeded{"steps", 5}}))
	assert.False(t, Is(errors.New("it takes more than 5 steps")))
}
