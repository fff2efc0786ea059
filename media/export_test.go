package media

// For the tests of the package from outside.
var (
	Segment  = segment
	Insert   = insert
	PNGChunk = pngChunk
	TinyWebP = tinyWebP
	ICC      = icc
	WebPBox  = webpBox
	RIFF     = riff
)
