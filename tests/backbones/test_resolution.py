import pytest

from astrofound.backbones import find_spec, report_resolution


def test_too_small_sources_and_the_remedy():
    spec = find_spec('dino_vitb16')
    report = report_resolution(spec, 5.0, image_pix=132)
    assert report.n_patches == pytest.approx(5 * 224 / 132 / 16)
    assert 'too small' in str(report)
    helped = report_resolution(spec, 5.0, image_pix=132, image_size=report.image_size_needed)
    assert helped.n_patches == pytest.approx(1, rel=0.01)
    cut = report_resolution(spec, 5.0, image_pix=report.cutout_needed)
    assert cut.n_patches == pytest.approx(1)


@pytest.mark.parametrize(('source', 'word'), [(30, 'as they should'), (200, 'well resolved')])
def test_large_enough(source, word):
    assert word in str(report_resolution(find_spec('msn_vitb16'), source, image_pix=224))


def test_images_left_as_they_are():
    report = report_resolution(find_spec('compact'), 4.0, image_pix=5000)
    assert report.zoom == 1
    with pytest.raises(ValueError, match="'source_pix' must be a number greater than 0"):
        report_resolution(find_spec('compact'), 0, image_pix=5)
    with pytest.raises(ValueError, match='must be a BackboneSpec'):
        report_resolution('compact', 1, image_pix=5)
