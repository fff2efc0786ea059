// Package prooftest proves on real servers, in its tests, that the SQL backends of package inventory keep their promises when
// what is around them breaks: servers and clients are killed, lines cut, disks full, other programs write the same rows.
//
// The tests named TestChaos… take their time with COMMERCE_CHAOS=long.
package prooftest
