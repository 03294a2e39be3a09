"""Write messages.csv: twelve messages to a help line, each in eight languages.

    python make_messages.py

The sentences were written for this example.  The independent unit is the message: a line of them.
"""

import csv
from pathlib import Path

LANGUAGES = ["en", "es", "pt", "de", "nl", "tr", "sw", "id"]
MESSAGES = """
Where is the bus station? | ¿Dónde está la estación de autobuses? | Onde fica a estação de ônibus? | Wo ist der Busbahnhof? | Waar is het busstation? | Otobüs durağı nerede? | Kituo cha basi kiko wapi? | Di mana stasiun bus?
I lost my wallet. | Perdí mi cartera. | Perdi minha carteira. | Ich habe meinen Geldbeutel verloren. | Ik ben mijn portemonnee kwijt. | Cüzdanımı kaybettim. | Nimepoteza pochi yangu. | Dompet saya hilang.
My child has a fever. | Mi hijo tiene fiebre. | Meu filho está com febre. | Mein Kind hat Fieber. | Mijn kind heeft koorts. | Çocuğumun ateşi var. | Mtoto wangu ana homa. | Anak saya demam.
I need a doctor today. | Necesito un médico hoy. | Preciso de um médico hoje. | Ich brauche heute einen Arzt. | Ik heb vandaag een dokter nodig. | Bugün bir doktora ihtiyacım var. | Nahitaji daktari leo. | Saya perlu dokter hari ini.
When does the shop open? | ¿Cuándo abre la tienda? | Quando abre a loja? | Wann öffnet der Laden? | Wanneer gaat de winkel open? | Dükkan ne zaman açılıyor? | Duka linafunguliwa saa ngapi? | Kapan toko itu buka?
I do not understand the letter. | No entiendo la carta. | Não entendo a carta. | Ich verstehe den Brief nicht. | Ik begrijp de brief niet. | Mektubu anlamıyorum. | Sielewi barua hii. | Saya tidak mengerti surat ini.
Please call me tomorrow. | Por favor, llámame mañana. | Por favor, me ligue amanhã. | Bitte rufen Sie mich morgen an. | Bel mij morgen alstublieft. | Lütfen yarın beni arayın. | Tafadhali nipigie simu kesho. | Tolong telepon saya besok.
The rent is too high. | El alquiler es demasiado alto. | O aluguel é muito alto. | Die Miete ist zu hoch. | De huur is te hoog. | Kira çok yüksek. | Kodi ya nyumba ni kubwa mno. | Sewanya terlalu mahal.
We are looking for a school. | Buscamos una escuela. | Procuramos uma escola. | Wir suchen eine Schule. | Wij zoeken een school. | Bir okul arıyoruz. | Tunatafuta shule. | Kami mencari sekolah.
The water is cold again. | El agua está fría otra vez. | A água está fria de novo. | Das Wasser ist wieder kalt. | Het water is weer koud. | Su yine soğuk. | Maji ni baridi tena. | Airnya dingin lagi.
I have paid already. | Ya he pagado. | Eu já paguei. | Ich habe schon bezahlt. | Ik heb al betaald. | Ödemeyi çoktan yaptım. | Nimeshalipa tayari. | Saya sudah membayar.
Can you speak more slowly? | ¿Puede hablar más despacio? | Você pode falar mais devagar? | Können Sie langsamer sprechen? | Kunt u langzamer praten? | Daha yavaş konuşabilir misiniz? | Unaweza kusema polepole? | Bisakah Anda bicara lebih pelan?
"""  # noqa: E501 - a message is a line

with Path("messages.csv").open("w", newline="", encoding="utf-8") as file:
    table = csv.writer(file)
    table.writerow(["id", "text", "reference", "language", "message"])
    for number, line in enumerate(MESSAGES.strip().splitlines(), 1):
        for language, text in zip(LANGUAGES, line.split(" | "), strict=True):
            table.writerow([f"{number}/{language}", text, language, language, number])
