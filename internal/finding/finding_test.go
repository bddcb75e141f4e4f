package finding

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSeverities(t *testing.T) {
	assert.True(t, Error.AtLeast(Warning))
	assert.False(t, Note.AtLeast(Warning))
	_, err := ParseSeverity("fatal")
	assert.Error(t, err)
}
