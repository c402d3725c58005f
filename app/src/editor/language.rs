//! The window's words in the user's language. English is written where it is used and is the key; what has no translation
//! stays English.
//!
//! The language belongs to the thread that draws the window: words are looked up while it draws, and no other thread writes
//! any.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::OnceLock;

use crate::settings::Language;

thread_local! {
    static CURRENT: Cell<Language> = const { Cell::new(Language::English) };
}

/// Draws in this language from here on, on this thread.
pub fn set(language: Language) {
    CURRENT.set(language);
}

/// The language of the system, by the variables that name it.
pub fn of_system() -> Language {
    let named = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    of_locale(&named.unwrap_or_default())
}

fn of_locale(locale: &str) -> Language {
    if locale.to_lowercase().starts_with("ko") { Language::Korean } else { Language::English }
}

/// The words in the language of this thread.
pub fn tr(english: &str) -> &str {
    match CURRENT.get() {
        Language::English => english,
        Language::Korean => korean().get(english).copied().unwrap_or(english),
    }
}

/// The same with values put in the places of their names in braces.
pub fn tr_with(english: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(tr(english).to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

fn korean() -> &'static HashMap<&'static str, &'static str> {
    static TABLE: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    TABLE.get_or_init(|| KOREAN.iter().copied().collect())
}

/// English, Korean.
const KOREAN: &[(&str, &str)] = &[
    // Commands.
    ("Open photos…", "사진 열기…"),
    ("Open…", "열기…"),
    ("Open photos", "사진 열기"),
    ("Open by path…", "경로로 열기…"),
    ("Export…", "내보내기…"),
    ("Export", "내보내기"),
    ("Export to path…", "경로로 내보내기…"),
    ("Export in the photo…", "사진에 넣어 내보내기…"),
    ("Export in the photo", "사진에 넣어 내보내기"),
    ("Export motion…", "움직임 내보내기…"),
    ("Export motion", "움직임 내보내기"),
    ("Choose a file…", "파일 선택…"),
    ("Cancel export", "내보내기 취소"),
    ("Cancel opening", "열기 취소"),
    ("Quit", "끝내기"),
    ("Copy picture", "그림 복사"),
    ("Undo", "실행 취소"),
    ("Redo", "다시 실행"),
    ("Go to step", "단계로 이동"),
    ("Find a command…", "명령 찾기…"),
    ("Brush", "브러시"),
    ("Eraser", "지우개"),
    ("Lasso", "올가미"),
    ("Rectangle", "사각형"),
    ("Ellipse", "타원"),
    ("Fill", "채우기"),
    ("Pick layer", "레이어 고르기"),
    ("Move region", "영역 이동"),
    ("Hand", "손"),
    ("Larger brush", "브러시 크게"),
    ("Smaller brush", "브러시 작게"),
    ("Harder brush", "브러시 단단하게"),
    ("Softer brush", "브러시 부드럽게"),
    ("Zoom in", "확대"),
    ("Zoom out", "축소"),
    ("Fit in window", "창에 맞추기"),
    ("Actual size", "실제 크기"),
    ("Show mask", "마스크 표시"),
    ("Show only what is painted", "칠한 부분만 보기"),
    ("Show in the photo", "사진 속에서 보기"),
    ("Compare with nothing", "비교하지 않기"),
    ("Compare across a line", "선을 두고 비교"),
    ("Compare side by side", "나란히 비교"),
    ("Choose face…", "얼굴 선택…"),
    ("Place face by hand…", "얼굴 직접 지정…"),
    ("Use this face", "이 얼굴 사용"),
    ("Paint from this photo", "이 사진으로 칠하기"),
    ("Add another layer", "레이어 하나 더 추가"),
    ("Use as source", "바탕 얼굴로 사용"),
    ("Blend with source", "바탕 얼굴과 섞기"),
    ("No blend", "섞지 않기"),
    ("Swap the two faces", "두 얼굴 바꾸기"),
    ("Play between the faces", "두 얼굴 사이 재생"),
    ("Close photo", "사진 닫기"),
    ("Select layer", "레이어 선택"),
    ("Show or hide layer", "레이어 표시/숨기기"),
    ("Duplicate layer", "레이어 복제"),
    ("Delete layer", "레이어 삭제"),
    ("Move layer up", "레이어 위로"),
    ("Move layer down", "레이어 아래로"),
    ("Reorder layers", "레이어 순서 바꾸기"),
    ("Rename layer…", "레이어 이름 바꾸기…"),
    ("Clear mask", "마스크 지우기"),
    ("Invert mask", "마스크 반전"),
    ("Grow mask by 4 px", "마스크 4 px 넓히기"),
    ("Shrink mask by 4 px", "마스크 4 px 좁히기"),
    ("Soften mask by 4 px", "마스크 4 px 부드럽게"),
    ("Import mask…", "마스크 가져오기…"),
    ("Import mask by path…", "경로로 마스크 가져오기…"),
    ("Import mask", "마스크 가져오기"),
    ("Export mask…", "마스크 내보내기…"),
    ("Export mask to path…", "경로로 마스크 내보내기…"),
    ("Export mask", "마스크 내보내기"),
    ("Copy mask", "마스크 복사"),
    ("Add mask", "마스크 더하기"),
    ("Paint eyes", "눈 칠하기"),
    ("Paint brows", "눈썹 칠하기"),
    ("Paint nose", "코 칠하기"),
    ("Paint mouth", "입 칠하기"),
    ("Paint chin", "턱 칠하기"),
    ("Paint hair", "머리카락 칠하기"),
    ("Paint whole face", "얼굴 전체 칠하기"),
    ("Paint only the eyes", "눈만 칠하기"),
    ("Paint only the brows", "눈썹만 칠하기"),
    ("Paint only the nose", "코만 칠하기"),
    ("Paint only the mouth", "입만 칠하기"),
    ("Paint only the chin", "턱만 칠하기"),
    ("Paint only the hair", "머리카락만 칠하기"),
    ("Paint only the whole face", "얼굴 전체만 칠하기"),
    ("Reset position", "위치 되돌리기"),
    ("Move region left", "영역 왼쪽으로"),
    ("Move region right", "영역 오른쪽으로"),
    ("Move region up", "영역 위로"),
    ("Move region down", "영역 아래로"),
    ("Move region by 10 pixels", "영역 10픽셀 이동"),
    ("Random faces…", "무작위 얼굴…"),
    ("Add random face", "무작위 얼굴 추가"),
    ("Between the faces", "두 얼굴 사이"),
    ("Shape of the source", "바탕 얼굴의 형태"),
    ("Shape of the other face", "다른 얼굴의 형태"),
    ("Language of the system", "시스템 언어"),
    ("English", "English"),
    ("한국어", "한국어"),
    ("Theme of the system", "시스템 테마"),
    ("Dark theme", "어두운 테마"),
    ("Light theme", "밝은 테마"),
    ("Keyboard shortcuts", "단축키"),
    ("About Stylebrush", "Stylebrush 정보"),
    ("New project", "새 프로젝트"),
    ("Open project", "프로젝트 열기"),
    ("Save project", "프로젝트 저장"),
    ("Save project as…", "다른 이름으로 저장…"),
    ("Save project to path…", "경로로 프로젝트 저장…"),
    ("Forget recent files", "최근 파일 목록 지우기"),
    // Tooltips.
    (
        "Open photos or a project. The faces in photos are found by themselves",
        "사진이나 프로젝트를 엽니다. 얼굴은 자동으로 찾습니다",
    ),
    ("Type the path of a photo or project to open", "열 사진이나 프로젝트의 경로를 입력합니다"),
    ("Save photos, layers and masks, to go on another day", "사진, 레이어, 마스크를 저장해 두고 다음에 이어서 합니다"),
    ("Save the changes?", "변경 내용을 저장할까요?"),
    ("Save", "저장"),
    ("Don’t save", "저장 안 함"),
    ("This project", "이 프로젝트"),
    ("{name} has changes that are in no file yet.", "{name}의 변경 내용이 아직 저장되지 않았습니다."),
    ("Saved {name}", "{name}을(를) 저장했습니다"),
    ("Recover unsaved work?", "저장되지 않은 작업을 복구할까요?"),
    ("Recover", "복구"),
    ("Discard", "버리기"),
    ("Later", "나중에"),
    ("Recent projects", "최근 프로젝트"),
    ("Save the face as a PNG, JPEG or WebP file", "얼굴을 PNG, JPEG, WebP 파일로 저장합니다"),
    (
        "Save the whole photo at its own size, with the edited face in it",
        "편집한 얼굴을 넣어 사진 전체를 원래 크기로 저장합니다",
    ),
    ("Type the path of the file to write", "저장할 파일의 경로를 입력합니다"),
    ("Close the program", "프로그램을 닫습니다"),
    ("Take the last edit back", "마지막 편집을 취소합니다"),
    ("Do the undone edit again", "취소한 편집을 다시 합니다"),
    ("Find any command by its name", "이름으로 명령을 찾습니다"),
    ("Change the window's colours", "창의 색을 바꿉니다"),
    ("Paint the active layer's face into the picture", "선택한 레이어의 얼굴을 그림에 칠합니다"),
    (
        "Take paint off. With the brush, the right button does the same",
        "칠한 것을 지웁니다. 브러시에서는 오른쪽 버튼도 같습니다",
    ),
    ("Drag the painted region to another place", "칠한 영역을 다른 곳으로 끕니다"),
    ("Drag the view. With any tool, hold Space", "화면을 끕니다. 어떤 도구에서든 스페이스를 누르세요"),
    (
        "Draw around a region to paint it. The right button takes paint off",
        "둘레를 그려 칠합니다. 오른쪽 버튼은 지웁니다",
    ),
    ("Drag from corner to corner to paint a rectangle", "모서리에서 모서리로 끌어 사각형을 칠합니다"),
    ("Drag from corner to corner to paint an ellipse", "모서리에서 모서리로 끌어 타원을 칠합니다"),
    (
        "Click to fill a gap or a region. The right button takes paint off",
        "클릭하여 빈틈이나 영역을 채웁니다. 오른쪽 버튼은 지웁니다",
    ),
    ("Click a painted region to work on its layer", "칠한 영역을 클릭하여 그 레이어를 고릅니다"),
    ("Show where the active layer is painted", "선택한 레이어가 칠해진 곳을 보여 줍니다"),
    ("Show the edited face in the photo that it comes from", "편집한 얼굴을 원래 사진 속에서 보여 줍니다"),
    ("Show source and edit side by side", "바탕 얼굴과 편집을 나란히 보여 줍니다"),
    ("Show the source left of a line that can be dragged", "끌 수 있는 선의 왼쪽에 바탕 얼굴을 보여 줍니다"),
    ("Show only what the active layer paints", "선택한 레이어가 칠한 것만 보여 줍니다"),
    ("Choose another face of the photo", "사진 속의 다른 얼굴을 고릅니다"),
    ("Place the eyes and the mouth yourself", "눈과 입을 직접 지정합니다"),
    ("Pick from faces that nobody has", "세상에 없는 얼굴 가운데서 고릅니다"),
    ("Move from one face to the other and back", "한 얼굴에서 다른 얼굴로 갔다가 돌아옵니다"),
    (
        "Save the way from one face to the other as GIF, PNG or pictures",
        "한 얼굴에서 다른 얼굴로 가는 길을 GIF, PNG, 그림으로 저장합니다",
    ),
    // Panels.
    ("File", "파일"),
    ("Edit", "편집"),
    ("View", "보기"),
    ("Layer", "레이어"),
    ("Help", "도움말"),
    ("Photos", "사진"),
    ("Between two faces", "두 얼굴 사이"),
    ("Layers", "레이어"),
    ("History", "작업 내역"),
    ("Start", "시작"),
    ("Source", "바탕"),
    ("Other face", "다른 얼굴"),
    ("Between", "사이"),
    ("Shape of source", "바탕의 형태"),
    ("Shape of other", "다른 얼굴의 형태"),
    ("Size", "크기"),
    ("Hardness", "경도"),
    ("Strength", "강도"),
    ("Feather", "페더"),
    ("Position", "위치"),
    ("Mask", "마스크"),
    ("Nothing painted yet", "아직 칠한 것이 없음"),
    ("Hidden", "숨김"),
    ("Open photos to paint with. The first one is painted on.", "칠할 사진을 여세요. 첫 사진 위에 칠합니다."),
    (
        "Open two photos to move from one face to the other.",
        "사진 두 장을 열면 한 얼굴에서 다른 얼굴로 옮겨 갈 수 있습니다.",
    ),
    ("Click a photo above to paint from it.", "위의 사진을 클릭하여 칠하세요."),
    ("Drop photos here", "여기에 사진을 놓으세요"),
    ("The model could not be loaded", "모델을 불러오지 못했습니다"),
    ("Paint over the face to bring in {name}", "얼굴 위에 칠하면 {name}이(가) 나타납니다"),
    ("Click the face to edit in {name}", "{name}에서 편집할 얼굴을 클릭하세요"),
    (
        "No face was found in {name}. Click the eye on the left",
        "{name}에서 얼굴을 찾지 못했습니다. 왼쪽 눈을 클릭하세요",
    ),
    ("Click the eye on the left", "왼쪽 눈을 클릭하세요"),
    ("Click the other eye", "다른 쪽 눈을 클릭하세요"),
    ("Click the middle of the mouth", "입 가운데를 클릭하세요"),
    ("Drag the points until they lie right, then use this face", "점을 끌어 맞춘 다음 이 얼굴을 사용하세요"),
    ("Choose a face", "얼굴 선택"),
    ("Place the face", "얼굴 지정"),
    ("Place by hand", "직접 지정"),
    ("Found faces", "찾은 얼굴"),
    ("Start over", "처음부터"),
    ("Skip all", "모두 건너뛰기"),
    ("Cancel", "취소"),
    ("Close", "닫기"),
    ("The face", "얼굴만"),
    ("The whole photo", "사진 전체"),
    ("{width} × {height} pixels", "{width} × {height} 픽셀"),
    ("Quality", "품질"),
    ("Say in the file that it was edited", "편집한 그림이라고 파일에 적기"),
    (
        "A line that viewers show with the file’s details; nothing is drawn on the picture",
        "뷰어가 파일 정보에서 보여 주는 한 줄입니다. 그림에는 아무것도 그리지 않습니다",
    ),
    ("Pasted picture", "붙여 넣은 그림"),
    ("There is no picture and no path of a photo on the clipboard", "클립보드에 그림도 사진 경로도 없습니다"),
    ("Random faces", "무작위 얼굴"),
    ("Faces that nobody has. Click those to paint with.", "세상에 없는 얼굴입니다. 칠할 얼굴을 클릭하세요."),
    ("Series", "묶음"),
    ("Variety", "다양성"),
    ("Other faces", "다른 얼굴들"),
    ("Pictures", "그림 수"),
    ("Seconds", "초"),
    ("There and back", "왕복"),
    ("Moving picture…", "움직이는 그림…"),
    ("Single pictures…", "낱장 그림…"),
    ("From the source to the other face, with everything painted.", "칠한 것을 모두 담아 바탕 얼굴에서 다른 얼굴까지."),
    ("Type what you want to do", "하고 싶은 일을 입력하세요"),
    ("No command has such a name", "그런 이름의 명령이 없습니다"),
    ("Reset all keys", "모든 단축키 되돌리기"),
    ("Click a key to choose another one", "단축키를 클릭하여 바꾸세요"),
    ("Rendering", "그리는 중"),
    ("Exporting", "내보내는 중"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editor::Command;

    #[test]
    fn every_command_has_its_words_in_korean() {
        set(Language::English);
        let missing: Vec<_> =
            Command::all().iter().map(Command::text).filter(|text| !korean().contains_key(text)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn words_change_with_the_language_and_places_stay() {
        set(Language::Korean);
        assert_eq!(tr("Undo"), "실행 취소");
        assert_eq!(tr("no such words"), "no such words");
        assert_eq!(
            tr_with("Click the face to edit in {name}", &[("name", "가족")]),
            "가족에서 편집할 얼굴을 클릭하세요"
        );
        set(Language::English);
        assert_eq!(tr_with("Click the face to edit in {name}", &[("name", "x")]), "Click the face to edit in x");
        for (english, korean) in KOREAN {
            let places = |text: &str| text.matches('{').count();
            assert_eq!(places(english), places(korean), "{english}");
            assert_eq!(english.ends_with('…'), korean.ends_with('…'), "{english}");
        }
        let mut keys: Vec<_> = KOREAN.iter().map(|(english, _)| english).collect();
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count, "a word stands twice");
    }

    #[test]
    fn the_locale_names_the_language() {
        for (locale, expected) in [
            ("ko_KR.UTF-8", Language::Korean),
            ("ko", Language::Korean),
            ("en_GB.UTF-8", Language::English),
            ("C", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(of_locale(locale), expected, "{locale}");
        }
    }
}
