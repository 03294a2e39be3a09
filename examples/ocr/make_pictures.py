"""Write pictures.csv and pictures/*.png: the same ten notes in six languages, black on white.

    python make_pictures.py

The sentences were written for this example.
"""

import csv
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

NOTES = {
    "English": """The clinic opens at eight. | Bring your letter with you. | The lift is out of order.
        Wash your hands before meals. | The next train leaves at noon. | Please close the window.
        Water is not for drinking. | The office is on the third floor. | Room twelve is on the left.
        Take one tablet in the evening.""",
    "German": """Die Praxis öffnet um acht. | Bringen Sie Ihren Brief mit. | Der Aufzug fährt nicht.
        Vor dem Essen Hände waschen. | Der nächste Zug fährt mittags. | Bitte das Fenster schließen.
        Kein Trinkwasser für Gäste. | Das Büro ist im dritten Stock. | Zimmer zwölf ist links.
        Abends eine Tablette nehmen.""",
    "Polish": """Przychodnia jest otwarta od ósmej. | Proszę przynieść list. | Winda jest nieczynna.
        Umyj ręce przed jedzeniem. | Następny pociąg odjeżdża o dwunastej. | Proszę zamknąć okno.
        Woda nie nadaje się do picia. | Biuro jest na trzecim piętrze. | Pokój dwunasty jest po lewej.
        Wieczorem zażyj jedną tabletkę.""",
    "Swahili": """Kliniki inafunguliwa saa mbili. | Njoo na barua yako. | Lifti haifanyi kazi.
        Nawa mikono kabla ya kula. | Treni itaondoka saa sita. | Tafadhali funga dirisha.
        Maji haya si ya kunywa. | Ofisi iko ghorofa ya tatu. | Chumba namba kumi na mbili kiko kushoto.
        Meza kidonge kimoja jioni.""",
    "Turkish": """Klinik saat sekizde açılıyor. | Mektubunuzu yanınızda getirin. | Asansör çalışmıyor.
        Yemekten önce ellerinizi yıkayın. | Sonraki tren öğlen kalkıyor. | Lütfen pencereyi kapatın.
        Bu su içilmez. | Ofis üçüncü katta. | On iki numaralı oda solda.
        Akşam bir tablet alın.""",
    "Vietnamese": """Phòng khám mở cửa lúc tám giờ. | Hãy mang theo thư của bạn. | Thang máy đang hỏng.
        Rửa tay trước khi ăn. | Chuyến tàu tới khởi hành buổi trưa. | Vui lòng đóng cửa sổ.
        Nước này không uống được. | Văn phòng ở tầng ba. | Phòng mười hai ở bên trái.
        Uống một viên vào buổi tối.""",
}

font = ImageFont.truetype("DejaVuSans.ttf", 32)
Path("pictures").mkdir(exist_ok=True)
with Path("pictures.csv").open("w", newline="", encoding="utf-8") as file:
    table = csv.writer(file)
    table.writerow(["id", "file", "reference", "language", "note"])
    for language, notes in NOTES.items():
        for number, text in enumerate(notes.replace("\n", "|").split("|"), 1):
            picture = Image.new("RGB", (int(font.getlength(text.strip())) + 40, 90), "white")
            ImageDraw.Draw(picture).text((20, 25), text.strip(), "black", font)
            name = f"pictures/{language}-{number}.png"
            picture.save(name)
            table.writerow([name, name, text.strip(), language, number])
