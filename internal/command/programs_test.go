package command

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestUnversioned(t *testing.T) {
	for name, want := range map[string]string{
		"python": "python", "python3": "python", "python3.13": "python", "python3.13t": "python", "pypy3": "pypy", "pip3.12": "pip",
		"pythont": "pythont", "pytest": "pytest", "node18": "node18", "t": "t", "": "",
	} {
		assert.Equal(t, want, Unversioned(name), name)
	}
	assert.True(t, Is("python3.12", Interpreter), "a trait of a program holds for all its versions")
}
