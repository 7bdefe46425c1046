# SPDX-License-Identifier: Apache-2.0
"""What the module reads, against the tree (which other code wrote from the same files) and against definitions."""

import json
import shutil
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np
import numpy.testing as check

import headvis
from support import DATA, ROOT, WORK


class Metrics(unittest.TestCase):
    def setUp(self):
        self.work = headvis.open(WORK)
        self.tree = headvis.tree(DATA)

    def test_metrics_and_errors_are_those_of_the_tree(self):
        errors = self.tree.read("scatter_errors.json")
        rows = {(row["layer"], row["head"]): (row, error) for row, error in zip(self.tree.metrics, errors)}
        self.assertEqual(set(rows), set(self.work.heads))
        for name, metric in self.work.metrics.items():
            for i, head in enumerate(self.work.heads):
                self.assertAlmostEqual(rows[head][0][name], metric.value[i], delta=5.1e-5)
                self.assertAlmostEqual(rows[head][1][name], metric.standard_error[i], delta=5.1e-5)
            self.assertEqual(metric.about, self.tree.config["metric_descriptions"][name])

    def test_means_of_the_statistics_are_the_metrics(self):
        tokens = self.work.sequences.lengths.sum()
        statistics, metrics = self.work.statistics, self.work.metrics
        check.assert_allclose(statistics["entropy_sum"].sum(0) / tokens, metrics["pattern_entropy"].value)
        check.assert_allclose(statistics["self_attention_sum"].sum(0) / tokens, metrics["self_attention_score"].value)
        later = tokens - len(self.work.sequences)
        check.assert_allclose(statistics["previous_token_sum"].sum(0) / later, metrics["previous_token_score"].value)

    def test_the_jackknife_of_previous_token_score(self):
        # Efron and Tibshirani 1993, 11.5: sqrt((n - 1) / n * sum of (theta_i - mean)^2), each sequence left out once.
        sums, later = self.work.statistics["previous_token_sum"], (self.work.sequences.lengths - 1)[:, None]
        without = (sums.sum(0) - sums) / (later.sum(0) - later)
        n = len(sums)
        error = np.sqrt((n - 1) / n * ((without - without.mean(0)) ** 2).sum(0))
        check.assert_allclose(self.work.metrics["previous_token_score"].standard_error, error, rtol=1e-6)

    def test_the_masses_by_distance_add_up_to_one_a_query(self):
        mass = self.work.statistics["mass_by_distance"].sum(-1)
        check.assert_allclose(mass, np.broadcast_to(self.work.sequences.lengths[:, None], mass.shape), rtol=1e-4)

    def test_a_frame_has_a_row_a_head(self):
        frame = self.work.metrics.frame(errors=True)
        self.assertEqual([tuple(row) for row in frame.index], [tuple(head) for head in self.work.heads])
        last = self.work.heads[-1]
        self.assertEqual(frame.loc[last, "qk_distance_se"], self.work.metrics["qk_distance"].standard_error[-1])

    def test_weights_compose_only_with_later_layers(self):
        layers = np.array([head.layer for head in self.work.weights.heads])
        earlier = layers[:, None] >= layers[None, :]
        for name in ("q", "k", "v"):
            composition = self.work.weights.composition[name]
            self.assertFalse(np.nan_to_num(composition[earlier]).any())
            self.assertTrue((composition[~earlier] > 0).all())
            kernel = self.work.weights.projection_kernel[name]
            most = np.minimum(self.work.weights.dimensions["o"][:, None], self.work.weights.dimensions[name][None, :])
            self.assertTrue(((kernel > 0) == ~earlier).all() and (kernel <= most + 1e-3).all())
        for name in ("qk", "ov"):
            likeness = self.work.weights.likeness[name]
            check.assert_allclose(np.diagonal(likeness), 1, atol=1e-4)
            check.assert_array_equal(likeness, likeness.T)
        row = dict(zip(self.work.weights.heads, self.work.weights.metrics["copying_score"].value))
        for shown in self.tree.metrics:
            self.assertAlmostEqual(row[shown["layer"], shown["head"]], shown["copying_score"], delta=5.1e-5)


class Lists(unittest.TestCase):
    def setUp(self):
        self.work = headvis.open(WORK)
        self.head = self.work.heads[1]

    def test_patterns_are_those_of_the_tree(self):
        patterns = self.work.patterns(self.head)
        shown = headvis.tree(DATA).head(self.head)["sequences"]
        self.assertEqual([s["sequence_id"] for s in shown], self.work.samples(self.head).sequence.to_list())
        for sequence in shown:
            dense = np.zeros(sequence["seq_len"] ** 2)
            dense[sequence["attention_indices"]] = sequence["attention_values"]
            pattern = patterns[sequence["sequence_id"]]
            check.assert_allclose(pattern.dense().ravel(), dense, atol=5.1e-5)
            self.assertEqual(self.work.sequences.display(pattern.sequence), sequence["tokens"])

    def test_rows_of_a_pattern_are_shares_of_a_whole(self):
        pattern = next(iter(self.work.patterns(self.head).values()))
        dense = pattern.dense()
        self.assertLessEqual(dense.sum(1).max(), 1 + 1e-5)
        self.assertFalse(np.triu(dense, 1).any())
        self.assertLessEqual((dense > 0).sum(1).max(), 8)

    def test_high_attention_is_all_that_a_pattern_has_of_it(self):
        # A row has at most ten entries of a tenth; patterns keep eight of a row, so that none is missing of these.
        patterns, high = self.work.patterns(self.head), self.work.high_attention(self.head)
        for number in list(patterns)[:20]:
            dense = patterns[number].dense()
            dense[0], dense[:, 0] = 0, 0
            dense[dense < 0.1] = 0
            check.assert_array_equal(high[number].dense(), dense)

    def test_edges_are_the_strongest_of_their_patterns(self):
        edges, patterns = self.work.edges(self.head), self.work.patterns(self.head)
        self.assertEqual(edges.q.shape, (len(edges), self.work.model.d_head))
        for number in list(patterns)[:20]:
            mine = edges.sequence == number
            dense = patterns[number].dense()
            check.assert_array_equal(dense[edges.query[mine], edges.key[mine]], edges.attention[mine])

    def test_edges_of_all_heads_are_all_edges(self):
        count = sum(len(self.work.edges(head)) for head in self.work.heads)
        self.assertEqual(count, len(self.work.scan.h5["edges/attention"]))
        h5, edges = self.work.scan.h5, self.work.edges(self.head)
        mask = h5["edges/head_index"][...] == self.work.scan.index(self.head)
        for name, row in (("edge_queries/q", "query_row"), ("edge_queries/z", "query_row"),
                          ("edge_keys/k", "key_row"), ("edge_keys/v", "key_row")):
            self.assertEqual(h5[name].dtype, np.float16)
            self.assertFalse(h5[f"{name}_exponent"][...].any())
            check.assert_array_equal(getattr(edges, name[-1]), h5[name][...][h5[f"edges/{row}"][...][mask]])

    def test_each_vector_is_there_once(self):
        h5 = self.work.scan.h5
        head, sequence, query, key, query_row, key_row = (
            h5[f"edges/{name}"][...].astype(np.int64)
            for name in ("head_index", "sequence", "query", "key", "query_row", "key_row"))
        group = h5["key_groups"][...][head]
        model = self.work.model
        shared = [(head.layer, head.head * model.n_kv_heads // model.n_heads) for head in self.work.heads]
        check.assert_array_equal(np.unique(shared, axis=0, return_inverse=True)[1].ravel(), h5["key_groups"][...])
        for place, row, vectors in (((head, sequence, query), query_row, "edge_queries/q"),
                                    ((group, sequence, key), key_row, "edge_keys/k")):
            places = np.unique(np.transpose(place), axis=0, return_inverse=True)[1].ravel()
            count = places.max() + 1
            self.assertEqual(len(h5[vectors]), count)
            self.assertEqual(len(np.unique(np.transpose([places, row]), axis=0)), count)

    def test_vectors_beyond_the_range_of_half_come_back(self):
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        shutil.copy(WORK / "scan.h5", folder)
        before = self.work.edges(self.head)
        with headvis.edit(folder / "scan.h5") as file:
            file["edge_keys/k_exponent"][...] = 100
        edges = headvis.open(folder).edges(self.head)
        check.assert_array_equal(edges.k, before.k * np.float32(2.0**100))
        check.assert_array_equal(edges.v, before.v)

    def test_tokens_are_the_text_that_was_walked(self):
        compared = 0
        for number in range(len(self.work.sequences)):
            file, line = self.work.sequences.source(number)
            text = (ROOT / file).read_text(encoding="utf-8").splitlines()[line - 1].strip()
            if text.isascii():
                self.assertTrue(text.startswith("".join(self.work.sequences.display(number)).strip()[:200]))
                compared += 1
        self.assertGreater(compared, 10)


class Clouds(unittest.TestCase):
    def setUp(self):
        self.work = headvis.open(WORK)
        self.head = self.work.heads[1]
        self.cloud = self.work.clouds(self.head)

    def test_points_are_the_edges_vectors(self):
        edges = self.work.edges(self.head)
        place = {edge: i for i, edge in enumerate(zip(edges.sequence, edges.query, edges.key))}
        rows = [place[edge] for edge in zip(self.cloud.sequence, self.cloud.query, self.cloud.key)]
        for name, vectors in (("Q", edges.q), ("K", edges.k), ("V", edges.v)):
            check.assert_array_equal(self.cloud[name].points, vectors[rows])
        check.assert_allclose(self.cloud.norm, np.linalg.norm(edges.q[rows], axis=1), rtol=1e-5)
        # z L has the distances of z W_O.
        z, points = edges.z[rows][:200], self.cloud["O"].points[:200]
        written = z @ self.work.output_weights(self.head)
        check.assert_allclose(
            np.linalg.norm(points - points[0], axis=1), np.linalg.norm(written - written[0], axis=1), rtol=1e-3, atol=1e-4)

    def test_pca_is_that_of_a_singular_value_decomposition(self):
        for name in ("Q", "K", "V"):
            matrix = self.cloud[name]
            centred = matrix.points.astype(np.float64) - matrix.points.astype(np.float64).mean(0)
            values = np.linalg.svd(centred, compute_uv=False)
            check.assert_allclose(matrix.explained_variance_ratio, (values**2 / (values**2).sum())[:3], rtol=1e-4)
            check.assert_allclose(matrix.pca, (matrix.points - matrix.pca_mean) @ matrix.pca_axes.T, atol=1e-3)

    def test_coordinates_are_those_of_the_tree(self):
        shown = headvis.tree(DATA).cloud(self.head)
        check.assert_array_equal(shown["seq_idx"], self.cloud.sequence)
        self.assertEqual(list(self.cloud), ["Q", "K", "O", "V"])
        for name in self.cloud:
            coordinates = np.transpose([shown["pca"][name][axis] for axis in ("d0", "d1", "d2")])
            check.assert_allclose(coordinates, self.cloud[name].pca, atol=5.1e-4)
        with self.assertRaisesRegex(headvis.WorkFileError, "no UMAP view 7"):
            self.cloud["Q"].umap(7)
        self.assertEqual(self.cloud["Q"].umap().shape, (len(self.cloud.sequence), 3))


class Refusals(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def refuses(self, sentence, body):
        with self.assertRaisesRegex(headvis.WorkFileError, sentence) as caught:
            body()
        self.assertNotIn("\n", str(caught.exception))

    def test_nothing_is_opened_before_it_is_asked_for(self):
        work = headvis.open(self.folder / "none")
        self.refuses("metrics.h5: is missing; run make data, or stage-metrics", lambda: work.metrics)
        self.refuses("config.json: is missing; run make data", lambda: headvis.tree(self.folder).heads)

    def test_other_files_are_refused(self):
        (self.folder / "scan.h5").write_text("no HDF5")
        self.refuses("scan.h5: cannot be read as HDF5 .*; run stage-scan again", lambda: headvis.open(self.folder).scan)
        shutil.copy(WORK / "metrics.h5", self.folder / "writes.h5")
        self.refuses("is headvis-metrics version 1, not headvis-writes", lambda: headvis.open(self.folder).writes)
        with h5py.File(self.folder / "writes.h5", "a") as file:
            file.attrs["schema"], file.attrs["schema_version"] = "headvis-writes", 99
        self.refuses("version 99, not headvis-writes version 2; run stage-writes again", lambda: headvis.open(self.folder).writes)
        with h5py.File(self.folder / "sample.h5", "w"):
            pass
        self.refuses("is another kind of HDF5 file", lambda: headvis.open(self.folder).sample)
        (self.folder / "config.json").write_text("{")
        self.refuses("config.json: is no JSON", lambda: headvis.tree(self.folder).config)

    def test_heads_have_three_spellings_and_no_fourth(self):
        self.assertEqual({headvis.Head.of(name) for name in ("L5H1", "l5h1", "5.1", (5, 1))}, {headvis.Head(5, 1)})
        for name in ("", "5", "L5", "5.1.2", "L-1H0", "H1L5"):
            self.refuses("is no head", lambda name=name: headvis.Head.of(name))
        self.refuses("L999H0 is not in it; these heads are: ", lambda: headvis.open(WORK).edges("L999H0"))

    def test_the_tree_is_plain_json(self):
        tree = headvis.tree(DATA)
        self.assertEqual(tree.config, json.loads((DATA / "config.json").read_text()))
        self.assertEqual(len(tree.frame()), len(tree.heads))
        self.assertEqual(tree.custom_sequences("L0H0"), [])


if __name__ == "__main__":
    unittest.main()
