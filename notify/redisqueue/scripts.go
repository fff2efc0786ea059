package redisqueue

import (
	"embed"

	"github.com/redis/go-redis/v9"
)

//go:embed scripts
var files embed.FS

// Every act on a queue is one script, with common.lua before it.
var (
	addScript     = script("add")
	publishScript = script("publish")
	fetchScript   = script("fetch")
	ackScript     = script("ack")
	nackScript    = script("nack")
	extendScript  = script("extend")
	pauseScript   = script("pause")
	replayScript  = script("replay")
	deleteScript  = script("delete")
	removeScript  = script("remove")
	statsScript   = script("stats")
)

func script(name string) *redis.Script {
	return redis.NewScript(text("common") + text(name))
}

func text(name string) string {
	b, err := files.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err) // it is compiled in
	}
	return string(b)
}
