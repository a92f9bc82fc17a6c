import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable
from numpy.testing import assert_allclose

from astrofound.evaluation import score_truth

TRUTH = QTable({
    'kind': ['point', 'point', 'double', 'diffuse', 'point'],
    'class_name': ['point', 'point', 'multi', 'extended', 'point'],
    'x_centroid': [20.0, 60.0, 100.0, 160.0, 20.0], 'y_centroid': [20.0, 60.0, 100.0, 160.0, 90.0],
    'snr': [50.0, 6.0, 20.0, 4.0, 2.0], 'snr_matched': [50.0, 6.0, 30.0, 40.0, 2.0],
    'flux': [50.0, 6.0, 60.0, 90.0, 2.0] * u.mJy,
    'bbox_xmin': [16, 56, 80, 130, 16], 'bbox_xmax': [24, 64, 120, 190, 24],
    'bbox_ymin': [16, 56, 80, 130, 86], 'bbox_ymax': [24, 64, 120, 190, 94],
})


def catalog(*rows):
    x, y, flux, snr = np.array(rows, dtype=float).reshape(-1, 4).T
    return QTable({'x_centroid': x, 'y_centroid': y, 'flux': flux * u.mJy, 'snr': snr})


def perfect():
    return catalog(*zip(TRUTH['x_centroid'], TRUTH['y_centroid'], TRUTH['flux'].value,
                        TRUTH['snr'], strict=True))


def test_the_truth_itself_is_perfect():
    score = score_truth(perfect(), TRUTH)
    assert score.completeness == score.reliability == score.f1 == score.f1_strict == 1
    assert_allclose(score.sources['flux_ratio'], 1)
    assert score.one_entry('double') == 1
    assert_allclose(score.flux_bias(), 0)


def test_lobes_are_true_but_fragments():
    score = score_truth(catalog((84, 84, 20, 15), (116, 116, 30, 18), (20, 20, 50, 50)), TRUTH)
    assert score.reliability == 1
    assert score.reliability_strict == pytest.approx(2 / 3)
    assert score.one_entry('double') == 0
    # the brightest fragment stands for the source
    assert score.sources['flux_ratio'][2] == pytest.approx(0.5)
    assert score.f1_strict < score.f1


def test_bright_artefact_on_a_faint_source_is_false():
    score = score_truth(catalog((20, 90, 40, 40)), TRUTH)
    assert score.reliability == 0
    assert score_truth(catalog((20, 90, 4, 4)), TRUTH).reliability == 1


def test_point_in_front_of_diffuse_emission_keeps_its_entry():
    truth = TRUTH.copy()
    truth['x_centroid'][1] = truth['y_centroid'][1] = 164
    truth['bbox_xmin'][1] = truth['bbox_ymin'][1] = 160
    truth['bbox_xmax'][1] = truth['bbox_ymax'][1] = 168
    score = score_truth(catalog((164, 164, 6, 6), (157, 158, 80, 4)), truth)
    assert list(score.entries['source']) == [1, 3]


def test_footprint_ends():
    assert score_truth(catalog((22, 20, 50, 50)), TRUTH).reliability == 1
    assert score_truth(catalog((24, 20, 50, 50)), TRUTH).reliability == 0


def test_empty_catalogue_and_empty_truth():
    nothing = perfect()[:0]
    score = score_truth(nothing, TRUTH)
    assert score.completeness == 0
    assert np.isnan(score.reliability)
    assert len(score.curve()) == 0
    assert score.completeness_at(0.9) == 0
    score = score_truth(perfect(), TRUTH[:0])
    assert score.reliability == 0
    assert len(score.by_kind()) == 0


def test_curve_ends_at_the_whole_catalogue():
    rng = np.random.default_rng(3)
    found = catalog(*perfect().as_array().tolist(),
                    *((x, y, 1, snr) for x, y, snr in
                      zip(*rng.uniform([[200], [200], [3]], [[400], [400], [8]], (3, 30)),
                          strict=True)))
    score = score_truth(found, TRUTH)
    curve = score.curve()
    assert curve['n_entries'][0] == len(found)
    assert curve['completeness'][0] == score.completeness
    assert_allclose(curve['reliability'][0], score.reliability)
    assert_allclose(curve['f1_strict'][0], score.f1_strict)
    assert (np.diff(curve['completeness']) <= 0).all()
    assert score.completeness_at(0.99) < 1


def test_order_of_the_rows_does_not_matter():
    found = catalog((84, 84, 20, 15), (116, 116, 30, 18), (20, 20, 50, 50), (61, 60, 6, 6))
    one, two = score_truth(found, TRUTH), score_truth(found[::-1], TRUTH[::-1])
    assert one.f1 == two.f1
    assert one.f1_strict == two.f1_strict


def test_missing_columns_are_named():
    with pytest.raises(ValueError, match="truth table has no column 'bbox_xmin'"):
        score_truth(perfect(), TRUTH['x_centroid', 'snr'])
    with pytest.raises(ValueError, match="catalogue has no column 'score'"):
        score_truth(perfect(), TRUTH, rank_column='score')


def test_summary_names_the_kinds():
    text = score_truth(perfect(), TRUTH).summary()
    assert 'completeness 1.000, reliability 1.000' in text
    assert 'double         1  found 1.000' in text
