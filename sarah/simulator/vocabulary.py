"""The words of simulated leads, Indonesian and English."""

URGENT, MILD, IDLE = 20, 10, 0
"""What a pain point adds to the score of the message that mentions it, and to no other."""


def _listed(words: str) -> list[str]:
    return " ".join(words.split()).split(", ")


OPERATORS = _listed("""
    811, 812, 813, 814, 815, 816, 817, 818, 819, 821, 822, 852, 853, 855, 856, 857, 858, 859, 877,
    878, 881, 895, 896, 897""")
GREETINGS = {
    "id": _listed("Halo, Hai kak, P, Assalamualaikum, Permisi kak, Selamat pagi, Halo kak 🙏"),
    "en": _listed("hello, hi, Hi there, Good morning"),
}
FIRST_NAMES = {
    "id": _listed("""
        Agus, Andi, Ani, Ayu, Bambang, Budi, Citra, Dedi, Dewi, Dian, Eko, Endang, Fajar, Fitri,
        Hendra, Indah, Joko, Lilis, Maya, Nita, Nur, Putri, Ratna, Rina, Rizky, Sri, Teguh, Tini,
        Wahyu, Yanti, Yusuf"""),
    "en": _listed("""
        Angela, Brian, Clarissa, Daniel, Felicia, Grace, Ivan, Jessica, Kevin, Melissa, Michelle,
        Raymond, Ryan, Stefanie, Steven, Vincent"""),
}
LAST_NAMES = {
    "id": _listed("""
        Firmansyah, Gunawan, Harahap, Hasibuan, Hidayat, Kurniawan, Kusuma, Lubis, Maulana,
        Nasution, Nugroho, Permana, Prasetyo, Pratama, Purnama, Ramadhan, Santoso, Setiawan,
        Simanjuntak, Siregar, Susanto, Wibowo"""),
    "en": _listed("Gunawan, Halim, Hartono, Kusuma, Lim, Santoso, Tanoto, Wijaya"),
}
BUSINESS_TYPES = {
    "id": _listed("""
        warung kopi susu, katering harian, kue ulang tahun, frozen food, ayam geprek, keripik
        singkong, sambal rumahan, toko kelontong, laundry kiloan, cuci sepatu, butik hijab, baju
        anak online, batik tulis, konveksi kaos, sewa kebaya, salon muslimah, barbershop, klinik
        kecantikan, bengkel motor, servis AC, toko bangunan, mebel jati, percetakan undangan,
        bimbel matematika, pet shop, tanaman hias, travel umrah, rental mobil, kos-kosan, studio
        foto"""),
    "en": _listed("""
        coffee shop, vegan bakery, cloud kitchen, skincare brand, day spa, yoga studio, surf
        school, villa rental, dive shop, furniture export, wedding organizer, dental clinic,
        language course, pet grooming, print on demand"""),
}
TEAM_SIZES = (1, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 8, 10, 12, 15, 25)
PAIN_POINTS = {
    ("id", URGENT): _listed("""
        kewalahan balas chat, chat sering kelewat, balasan lambat, pelanggan komplain, pesanan
        salah catat, pelanggan pindah ke sebelah, jadwal sering bentrok, chat malam tidak
        terjawab, keteteran tiap akhir pekan"""),
    ("id", MILD): _listed("""
        sibuk pas jam ramai, masih catat manual, admin cuma satu, pertanyaan itu-itu saja, semua di
        buku tulis, susah follow up, kirim katalog satu-satu"""),
    ("id", IDLE): _listed("lihat-lihat dulu, masih penasaran, tanya harga dulu"),
    ("en", URGENT): _listed("""
        missed messages, slow response, overwhelmed by DMs, customers complain, double bookings,
        leads lost overnight, orders get forgotten"""),
    ("en", MILD): _listed("""
        busy front desk, everything is manual, growing fast, same questions every day, no time to
        follow up"""),
    ("en", IDLE): _listed("just looking around, curious about AI, comparing prices"),
}
GOALS = {
    "id": _listed("""
        balas chat otomatis 24 jam, omzet naik 2x, buka cabang kedua, bisa libur hari Minggu,
        pesanan tercatat rapi, booking lewat WhatsApp, pelanggan lama datang lagi, pelanggan dari
        luar kota, siap ramai Lebaran, admin tidak lembur lagi"""),
    "en": _listed("""
        faster replies, a bot for the weekend, twice the sales, answers in two languages, more
        repeat customers, a second branch, capture every lead, replies after office hours"""),
}
