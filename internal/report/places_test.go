package report

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/need"
)

// Few imports are all shown, however they are reached; of many the surest are.
func TestImportsOfEveryReachAreShown(t *testing.T) {
	var all []finding.Place
	for _, r := range []need.Reach{need.Guarded, need.Lazy, need.Conditional, need.Startup} {
		all = append(all, need.Ask{Reach: r}.Place())
	}
	shown, more := fewImports(all)
	assert.Equal(t, all, shown)
	assert.Zero(t, more)

	var many []finding.Place
	for range maxImports {
		many = append(many, all[0])
	}
	shown, more = fewImports(append(many, all[2:]...))
	assert.Equal(t, 2, more)
	assert.Contains(t, shown, all[2])
	assert.Contains(t, shown, all[3])
}
