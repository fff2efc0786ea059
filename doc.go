// Package commerce is the map of an embeddable commerce SDK. It holds no code:
// a shop imports the packages it needs, one by one, and wires them together.
//
//   - session: login state, devices, log out everywhere (memory, SQLite, Redis, any scs.Store)
//   - inventory: stock that never oversells (memory, SQLite, MySQL and MariaDB, PostgreSQL)
//   - media: files and product images (file system, memory, FastDFS, S3)
//   - search: product search with facets and Chinese (Bleve, Elasticsearch, OpenSearch)
//   - notify: tasks, mails, text messages, verification codes (memory,
//     SQLite, MySQL and MariaDB, PostgreSQL, Redis, RabbitMQ, Watermill)
//
// The five packages never import each other, and none of them imports one of
// its backends: importing session compiles nothing of Bleve, and importing
// inventory compiles no database driver. Tests in internal/house hold that.
//
// Every package has the same shape. A Driver interface moves rows or bytes; a
// portable type (session.Manager, inventory.Inventory, media.Store,
// search.Index, notify.Queue) does the policy once; a backend's Open returns
// the portable type; a conformance kit (sessiontest, inventorytest, mediatest,
// searchtest, notifytest) proves a backend, ours or yours.
//
// The examples directory is a module of its own and wires all five into a
// storefront.
package commerce
