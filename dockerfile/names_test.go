package dockerfile

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestReadNames(t *testing.T) {
	assert.Equal(t, Names{Stages: []string{"base", "prod"}, Args: []string{"BASE", "A", "B"}}, ReadNames([]byte(
		"ARG BASE=x\nFROM $BASE AS Base\nARG A B=2\nCOPPY x y\nFROM\nFROM base as prod\nARG A\nFROM scratch\n")))
	assert.Zero(t, ReadNames(nil))
	assert.Zero(t, ReadNames([]byte("FROM x AS y \\")).Args)
}
