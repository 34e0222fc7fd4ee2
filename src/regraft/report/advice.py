"""How cues and odd images are called in a sentence, and what to do about them."""

SPOKEN = {
    "file size": "the size of the file, given its detail",
    "frame": "a border of one colour",
    "EXIF": "the EXIF notes (camera, software, date)",
    "dimensions": "width and height",
    "format and mode": "file format and colour mode",
}
ADVICE = {
    "JPEG quality": "Save all alike from their originals; compressing once more hides nothing.",
    "file size": "Check whether some were compressed more, and save all alike from their originals.",
    "dimensions": "Check whether a class was scaled or cropped otherwise, and prepare all alike.",
    "format and mode": "Save all classes in one format and mode: grey or transparent images can be seen.",
    "EXIF": "Check whether each class has its own camera or day; if so, mix them.",
    "frame": "Cut frames off; a plain background may stay if new images will have it too.",
}
OTHER_ADVICE = "Find out why the classes differ in it, and make all images in the same way."
EXTREMES = {
    "blank": ("of one even colour", "Look at them: they may be failed exposures or placeholders."),
    "dark": ("nearly black", "Look at them: there may be nothing to be seen."),
    "tiny": ("far smaller than most", "Look at them: they may be thumbnails in place of the images."),
    "huge": ("far larger than most", "They cost time and memory; a scaled copy serves as well."),
}
