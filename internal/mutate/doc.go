// Package mutate has no code: its tests break repositories whose audit is clean in every way that is known, one at a time, and demand an
// error that names what is missing, edits that repair it, and the image as it was.
package mutate
