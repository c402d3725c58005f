//! What else people call commands: words of other picture editors and of everyday speech, for the palette.

/// A command's id, and its other names in English and in Korean, with commas between.
const SYNONYMS: &[(&str, &str, &str)] = &[
    ("new-project", "clear, start over, close", "새로, 처음부터"),
    ("open", "load, import photo, add image, browse", "불러오기, 가져오기, 이미지 추가"),
    ("open-by-path", "load file", "파일 불러오기"),
    ("save-project", "store, keep", "보관"),
    ("save-project-as", "save copy", "사본 저장"),
    (
        "export",
        "save picture, save image, write, jpg, jpeg, png, webp, tiff, size, layer, transparent, download, render",
        "그림 저장, 이미지 저장, 크기, 투명 레이어",
    ),
    ("export-in-the-photo", "save photo, full size, paste back, composite", "사진 저장, 원본 크기"),
    ("export-again", "overwrite, repeat export", "덮어쓰기, 다시 저장"),
    ("export-motion", "animation, video, gif, webp, film, movie", "애니메이션, 동영상"),
    (
        "apply-this-edit-to-photos",
        "batch, many photos, folder, recipe, automate, all photos",
        "일괄, 폴더, 여러 사진, 자동",
    ),
    ("copy-edit", "copy settings, copy adjustments, copy layers, sync", "설정 복사, 보정 복사"),
    ("paste-edit", "paste settings, paste adjustments, apply to face, sync", "설정 붙여넣기, 보정 붙여넣기"),
    ("presets", "favourites, saved brushes, styles, templates", "즐겨찾기, 저장한 브러시"),
    ("copy-picture", "clipboard, screenshot", "클립보드"),
    ("paste", "clipboard, insert, screenshot", "클립보드, 넣기"),
    ("paste-as-source", "clipboard, base, background", "클립보드, 바탕"),
    ("quit", "exit, close", "종료, 닫기"),
    ("undo", "back, revert, oops", "되돌리기, 취소"),
    ("redo", "forward, repeat", "다시"),
    ("brush", "paint, draw, pencil, pen", "칠, 그리기, 붓"),
    ("eraser", "rubber, unpaint, remove paint", "지우기"),
    ("lasso", "select, outline, free selection", "선택, 윤곽"),
    ("rectangle", "box, square, marquee, select", "네모, 선택"),
    ("ellipse", "circle, oval, marquee, select", "원, 동그라미, 선택"),
    ("fill", "bucket, flood", "페인트 통"),
    ("clone", "stamp, copy area, heal", "도장, 복사"),
    ("move-region", "shift, drag, position, offset", "이동, 옮기기"),
    ("pick-layer", "select layer, eyedropper", "레이어 선택"),
    ("hand", "pan, scroll", "손, 스크롤"),
    (
        "improve-likeness",
        "refine, sharpen face, optimise, optimize, projection, closer, resemblance",
        "다듬기, 최적화, 닮게",
    ),
    ("stop-improving-likeness", "cancel, refine", "취소, 그만"),
    ("larger-brush", "bigger, size, radius, thicker", "크기, 굵게"),
    ("smaller-brush", "size, radius, thinner", "크기, 가늘게"),
    ("harder-brush", "crisp, sharp edge, hardness", "경도, 선명"),
    ("softer-brush", "feathered, blurry edge, hardness", "경도, 흐리게"),
    ("zoom-in", "magnify, closer, enlarge", "크게 보기"),
    ("zoom-out", "farther, reduce", "작게 보기"),
    ("fit-in-window", "whole picture, reset view, zoom all", "전체 보기"),
    ("fill-window", "cover, zoom", "가득"),
    ("zoom-to-painted-region", "zoom to selection, zoom to mask, focus", "선택 영역 확대"),
    ("actual-size", "100 %, one to one, pixels", "실제 픽셀, 100 %"),
    ("show-mask", "hide mask, overlay, selection, outline", "마스크 숨기기, 오버레이"),
    ("mask-as-outline", "marching ants, selection edge", "윤곽, 테두리"),
    ("mask-in-red", "rubylith, quick mask, overlay, tint", "루빌리스, 퀵 마스크"),
    ("mask-alone", "alpha, black and white, channel, matte", "알파, 흑백"),
    ("masks-of-all-layers", "colours of layers, overlay", "레이어 색"),
    ("next-mask-view", "cycle, overlay", "보기 바꾸기"),
    ("show-in-the-photo", "whole photo, original, context, uncrop", "전체 사진, 원본"),
    ("show-only-what-is-painted", "solo, isolate, transparent", "분리, 투명"),
    ("compare-across-a-line", "before after, split, curtain", "전후, 비교"),
    ("compare-side-by-side", "before after, two up", "전후, 비교"),
    ("choose-face", "select person, other face, detect, recrop", "사람 선택, 다른 얼굴"),
    ("place-face-by-hand", "crop, align, landmarks, eyes, mouth", "자르기, 정렬, 눈, 입"),
    ("random-faces", "generate, sample, new face, dice, invent", "생성, 무작위"),
    ("play-between-the-faces", "morph, animate, video", "모프, 애니메이션"),
    ("between-the-faces", "morph, blend, interpolate, mix", "모프, 섞기"),
    ("shape-of-the-source", "style mixing, colours of other", "스타일 섞기"),
    ("shape-of-the-other-face", "style mixing, colours of source", "스타일 섞기"),
    ("swap-the-two-faces", "exchange, reverse, flip", "교환, 뒤집기"),
    ("adjust-whole-face", "sliders, smile, edit all, global", "슬라이더, 전체"),
    ("adjust-inside-mask", "sliders, local, smile, selection only", "슬라이더, 부분"),
    ("reset-adjustments", "zero, default, neutral", "초기화, 기본값"),
    ("duplicate-layer", "copy layer, clone layer", "레이어 복사"),
    ("delete-layer", "remove layer, trash", "레이어 지우기"),
    ("move-layer-up", "raise, bring forward, above", "앞으로"),
    ("move-layer-down", "lower, send backward, below", "뒤로"),
    ("rename-layer", "name, title", "이름"),
    ("clear-mask", "erase all, deselect, empty, reset", "모두 지우기, 선택 해제"),
    ("invert-mask", "negative, reverse, opposite, inverse selection", "반대, 뒤집기"),
    ("grow-mask-by-4-px", "expand, dilate, larger, bigger", "확장, 넓히기"),
    ("shrink-mask-by-4-px", "contract, erode, smaller", "축소, 좁히기"),
    ("soften-mask-by-4-px", "blur, feather, smooth", "흐리게, 페더"),
    ("import-mask", "load selection, open mask, alpha", "마스크 불러오기"),
    ("export-mask", "save selection, save mask, alpha, matte", "마스크 저장"),
    ("reset-position", "unmove, back, origin", "원래 위치"),
    ("paint-eyes", "select eyes, gaze, look", "눈 선택"),
    ("paint-brows", "eyebrows", "눈썹 선택"),
    ("paint-mouth", "lips, smile, teeth", "입술, 미소"),
    ("paint-chin", "jaw", "턱선"),
    ("paint-hair", "hairstyle, haircut, fringe", "헤어스타일, 앞머리"),
    ("paint-whole-face", "swap face, select all, everything", "전체 선택, 얼굴 바꾸기"),
    ("dark-theme", "black, night, appearance, colours", "어둡게, 밤"),
    ("light-theme", "white, day, bright, appearance", "밝게, 낮"),
    ("theme-of-the-system", "appearance, automatic", "자동"),
    ("english", "language", "언어, 영어"),
    ("한국어", "korean, language", "언어"),
    ("language-of-the-system", "automatic", "자동"),
    ("keyboard-shortcuts", "hotkeys, keys, bindings, help, cheat sheet", "단축키, 도움말"),
    ("preferences", "settings, options, configuration, setup, cache", "설정, 옵션, 캐시"),
    ("model-card", "network, licence, training, limits", "신경망, 라이선스"),
    ("about-stylebrush", "version, licence, credits", "버전, 라이선스"),
];

/// What else a command is called, by its id: every name, whatever the language of the window.
pub fn of(id: &str) -> impl Iterator<Item = &'static str> {
    let found = SYNONYMS.iter().find(|(known, ..)| *known == id);
    found.into_iter().flat_map(|(_, english, korean)| english.split(", ").chain(korean.split(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::table::rows;
    use super::*;

    #[test]
    fn synonyms_belong_to_commands() {
        for (id, english, korean) in SYNONYMS {
            assert!(rows().iter().any(|row| row.id == *id), "no command is called {id}");
            assert!(!english.is_empty() && !korean.is_empty(), "{id}");
            assert!(of(id).all(|name| name.trim() == name && !name.is_empty()), "{id}");
        }
    }
}
