// SPDX-License-Identifier: Apache-2.0
// Files of a tree that people fill by way of a backend.

/// What people make in a tree beside custom sequences and clusters. A tree has these files from the start and its
/// config.json lists them as `people_files`, so that a page need not try whether they are there.
public enum PeopleFiles {
    /// Their paths and what they hold while nobody has made anything.
    public static let empty: [(path: String, contents: String)] = [
        ("prompts/index.json", #"{"prompts":[]}"#), ("notes.json", "{}"),
    ]
}
