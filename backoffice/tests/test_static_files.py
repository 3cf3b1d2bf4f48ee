"""Static files under names that change with their content."""

from pathlib import Path

from django.contrib.staticfiles.storage import StaticFilesStorage

from backoffice.web.static_files import HashedStaticFiles


def test_modules_import_one_another_by_names_that_change(tmp_path):
    folder = Path(tmp_path, "imaging", "viewer")
    folder.mkdir(parents=True)
    Path(folder, "main.js").write_text('import { Film } from "./film.js";\n')
    Path(folder, "film.js").write_text("export class Film {}\n")
    storage = HashedStaticFiles(location=tmp_path, base_url="/static/")
    files = {
        name: (StaticFilesStorage(location=tmp_path), name)
        for name in ("imaging/viewer/main.js", "imaging/viewer/film.js")
    }
    assert [done for _name, _hashed, done in storage.post_process(files) if isinstance(done, Exception)] == []
    film = Path(storage.stored_name("imaging/viewer/film.js")).name
    assert film != "film.js"
    assert f'from "./{film}"' in Path(tmp_path, storage.stored_name("imaging/viewer/main.js")).read_text()
