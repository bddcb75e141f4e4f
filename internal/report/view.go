package report

// View is the files of one image and its build context.
type View struct{}
