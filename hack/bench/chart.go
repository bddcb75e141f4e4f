package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// chartRow finds a row of the table of whole contexts: the tree, what walked it, and its milliseconds.
var chartRow = regexp.MustCompile(`(?m)^\| (\w*) \| (find with sizes|BuildKit's walk|context ls with sizes|find|context ls) \| \d+ \| ([\d.]+) \|`)

// bars are what the chart shows of each tree.
var bars = []struct{ name, color string }{
	{"BuildKit's walk", "#8b949e"},
	{"find with sizes", "#d29922"},
	{"context ls with sizes", "#1f6feb"},
}

// chart draws the table of whole contexts of the page that bench writes. The axis is logarithmic: linear, two of three bars
// would be too short to see.
func chart(page string) (string, error) {
	_, section, found := strings.Cut(page, "## The whole context\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if !found {
		return "", fmt.Errorf("the page has no table of whole contexts")
	}
	times := map[string]map[string]string{}
	var trees []string
	for _, m := range chartRow.FindAllStringSubmatch(section, -1) {
		if m[1] != "" {
			trees = append(trees, m[1])
			times[m[1]] = map[string]string{}
		}
		if len(trees) > 0 {
			times[trees[len(trees)-1]][m[2]] = m[3]
		}
	}
	if len(trees) == 0 {
		return "", fmt.Errorf("the table of whole contexts has no rows")
	}
	const left, row, gap, unit, least = 90, 18, 16, 130, 10 // unit is the width of a factor of ten, least where the axis begins, in milliseconds
	height := 60 + len(trees)*(len(bars)*row+gap)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 %d" role="img" aria-label="Milliseconds to list the build context of each tree, on a logarithmic axis">
<rect width="100%%" height="100%%" rx="8" fill="#ffffff"/>
<g font-family="system-ui, sans-serif" font-size="12" fill="#1c2330">
`, height)
	x := 20
	for _, bar := range bars {
		fmt.Fprintf(&b, "<rect x=\"%d\" y=\"16\" width=\"12\" height=\"12\" rx=\"2\" fill=\"%s\"/><text x=\"%d\" y=\"26\">%s</text>\n", x, bar.color, x+18, bar.name)
		x += 60 + 7*len(bar.name)
	}
	fmt.Fprintf(&b, "<text x=\"700\" y=\"26\" text-anchor=\"end\" fill=\"#5b6678\">milliseconds, logarithmic</text>\n")
	y := 46
	for _, tree := range trees {
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" font-weight=\"bold\">%s</text>\n", left-10, y+row*len(bars)/2+4, tree)
		for _, bar := range bars {
			var ms float64
			if _, err := fmt.Sscan(times[tree][bar.name], &ms); err != nil {
				return "", fmt.Errorf("%s, %s: %w", tree, bar.name, err)
			}
			width := max(2, unit*math.Log10(ms/least))
			fmt.Fprintf(&b, "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\" fill=\"%s\"/><text x=\"%.1f\" y=\"%d\">%.0f</text>\n",
				left, y, width, row-3, bar.color, left+width+6, y+12, ms)
			y += row
		}
		y += gap
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String(), nil
}

// drawChart writes the chart beside the page.
func drawChart(name string) error {
	page, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	svg, err := chart(string(page))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(filepath.Dir(name), "performance.svg"), []byte(svg), 0o644)
}
